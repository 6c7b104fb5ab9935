import { expect, test } from 'vitest'
import { isArchive } from '../../src/import/backup-paths.ts'
import { backupPlaceIn, type BackupPlace } from '../../src/import/backup-place.ts'
import { readProcedure } from '../../src/import/procedure.ts'

const shell = (...lines: readonly string[]): string => ['```sh', ...lines, '```', ''].join('\n')
const placeIn = (markdown: string): BackupPlace | null => backupPlaceIn(readProcedure(markdown))

test.each<readonly [string, string, string]>([
  [shell('pg_restore -d shop /srv/b/shop_20260102.dump'), '/srv/b', 'shop_{time}.dump'],
  [shell('pg_restore -d shop /srv/b/shop-2026-01-02_03-04.dump'), '/srv/b', 'shop-{time}.dump'],
  [shell('pg_restore -d shop /srv/b/shop-20260102T030405Z.dump'), '/srv/b', 'shop-{time}.dump'],
  [
    shell('DIR=/srv/b', 'OUT=$DIR/a-$(date +%F).sql.gz', 'pg_dump a | gzip > "$OUT"'),
    '/srv/b',
    'a-{time}.sql.gz',
  ],
  [shell('DIR=/srv/b', 'pg_restore -d a "$DIR/a-${TIMESTAMP}.dump"'), '/srv/b', 'a-{time}.dump'],
  [shell('pg_dump -Fc --file=./b/a-`date +%Y%m%d`.dump a'), './b', 'a-{time}.dump'],
  [
    'Take `/srv/b/a-<timestamp>.dump`, not https://example.com/c/d_20260101.dump.\n',
    '/srv/b',
    'a-{time}.dump',
  ],
  [
    `${shell('sha256sum -c /mnt/b/YYYY/MM-DD/a-*.dump.sha256')}\nIt is \`a-<stamp>.dump\`.\n`,
    '/mnt/b',
    'a-{time}.dump',
  ],
])('%s', (markdown, directory, pattern) => {
  expect(placeIn(markdown)).toEqual({ directory, pattern, guessed: null })
})

test('what restores read counts more than what the document tells before it', () => {
  const markdown = `Last year: \`/old/a_20250102.dump\`.\n\n${shell('pg_restore -d a /srv/b/a_20260102.dump')}`
  expect(placeIn(markdown)).toMatchObject({ directory: '/srv/b', pattern: 'a_{time}.dump' })
})

test('a name that the operator puts in is told elsewhere in the same folder', () => {
  const markdown = `Not \`/old/a_20250102.dump\` but \`./b/c_YYYYMMDD_HHMMSS.dump\`:\n\n${shell('./put-back.sh ./b/<dumpfile>')}`
  expect(placeIn(markdown)).toMatchObject({ directory: './b', pattern: 'c_{time}.dump' })
})

test('a copy in a folder for temporary files, in a container or in a store is no place of backups', () => {
  expect(
    placeIn(
      shell(
        'pg_restore -d a /tmp/a_20260102.dump',
        'docker compose cp db:/var/lib/a_20260102.dump /tmp/a.dump',
        'pg_restore -d a "$DUMP"',
      ),
    ),
  ).toBeNull()
})

test('both forms of a backup that is encrypted too are meant', () => {
  const markdown = shell('gpg -d /srv/b/a-20260102.dump.gpg > /srv/b/a-20260102.dump')
  expect(placeIn(markdown)?.pattern).toBe('a-{time}.dump*')
})

test.each([
  ['one name', 'pg_restore -d a /srv/b/latest.dump', 'latest.dump', 'one backup'],
  ['any text', 'pg_restore -d a /srv/b/a-*.dump', 'a-*.dump', 'modification time'],
  ['a folder', 'pg_restore -d a /srv/b/<file>', '*.dump', 'called'],
])('%s says what is guessed', (_, command, pattern, why) => {
  const place = placeIn(shell(command))
  expect(place).toMatchObject({ directory: '/srv/b', pattern })
  expect(place?.guessed).toContain(why)
})

test('archives of files are no dumps', () => {
  const markdown = shell('tar xzf /srv/b/files_20260102.tar.gz', 'pg_restore -d a /srv/d/a_20260102.dump')
  expect(placeIn(markdown)?.directory).toBe('/srv/d')
  expect(backupPlaceIn(readProcedure(markdown), isArchive)?.pattern).toBe('files_{time}.tar.gz')
})
