import { describe, expect, it } from 'vitest'
import { backupsIn, looksLikeBackup, patternOf } from '../../src/init/backups.ts'
import type { BackupFile, BackupKind } from '../../src/init/facts.ts'
import { kindOfBytes } from '../../src/init/search.ts'

const file = (name: string, more: Partial<BackupFile> = {}): BackupFile => ({
  name,
  bytes: 1000,
  modifiedAt: '2026-11-20T00:00:00.000Z',
  kind: 'custom-format dump',
  checksum: true,
  ...more,
})
const nightly = [1, 2, 3, 4].map((day) => `shop_2026110${day}T010000Z.dump`)

describe('names', () => {
  it.each([
    ['shop_20261129T010000Z.dump', 'shop_{time}.dump'],
    ['shop-2026-11-29.sql.gz', 'shop-{time}.sql.gz'],
    ['2026-11-29_01-00-00_shop.pgdump', '{time}_shop.pgdump'],
    ['pg-dump-shop-1764378000.dmp', 'pg-dump-shop-*.dmp'],
    ['shop.dump', 'shop.dump'],
    ['odd{name}.dump', null],
    ['two\nlines.dump', null],
  ])('%j is %j', (name, pattern) => expect(patternOf(name)).toBe(pattern))

  it.each([
    ['/srv/shop/backups', 'shop.sql', true],
    ['/srv/shop', 'shop_20261129T010000Z.sql.gz', true],
    ['/srv/shop', 'shop.dump', true],
    ['/srv/shop/backups', 'shop.tgz', true],
    ['/srv/shop', 'shop_20261129T010000Z.tgz', true],
    ['/srv/shop', 'app.tgz', false],
    ['/srv/shop', 'init.sql', false],
    ['/srv/shop', 'app.db', false],
    ['/srv/shop/db/migrations', '20261129010000_users.sql', false],
    ['/srv/shop/initdb', 'seed.dump', false],
    ['/srv/shop/backups', 'readme.md', false],
    ['/srv/shop/backups', 'shop.dump.sha256', false],
  ])('a backup: %s/%s is %j', (folder, name, is) => expect(looksLikeBackup(folder, name)).toBe(is))
})

describe('which files are the backups', () => {
  it.each([
    ['in a folder of the project', '/srv/shop/backups', ['shop', 'shop', 'db']],
    ['of a project with the name of another database', '/b', ['shop', 'analytics', 'db']],
    ['of a project whose name is in no file', '/srv/site/backups', ['shop', 'site', 'db']],
  ])('are those with the name of the database, beside younger ones of another: %s', (_, path, wanted) => {
    const own = file('shop_2026-11-29.sql.gz', { kind: 'gzip' })
    const others = ['29', '30'].map((day) => file(`analytics_2026-11-${day}.sql.gz`, { kind: 'gzip' }))
    expect(backupsIn([{ path, files: [...others, own] }], wanted, 'postgres')).toMatchObject({
      pattern: 'shop_{time}.sql.gz',
      guessed: 'too few files to see how often one is made',
    })
  })

  it('are those of the database, with the age that their number shows', () => {
    const found = backupsIn([{ path: '/b', files: nightly.map((name) => file(name)) }], ['shop'], 'postgres')
    expect(found).toEqual({
      directory: '/b',
      pattern: 'shop_{time}.dump',
      maxAge: null,
      checksums: true,
      newest: { name: nightly[3], takenAt: '2026-11-04T01:00:00.000Z' },
      guessed: null,
    })
  })

  it.each([
    ['2h', ['T010000Z', 'T020000Z', 'T030000Z'].map((time) => `shop_20261101${time}.dump`)],
    ['8h', ['T000000Z', 'T060000Z', 'T120000Z'].map((time) => `shop_20261101${time}.dump`)],
    ['50h', ['01', '02', '03'].map((day) => `shop_2026-11-${day}.dump`)],
    ['8d', ['01', '08', '15'].map((day) => `shop_2026-11-${day}.dump`)],
    ['32d', ['09', '10', '11'].map((month) => `shop_2026-${month}-01.dump`)],
  ])('are allowed to be %s old', (maxAge, names) => {
    const files = names.map((name) => file(name))
    expect(backupsIn([{ path: '/b', files }], ['shop'], 'postgres')?.maxAge).toBe(maxAge)
  })

  it('are in folders of dates too', () => {
    const folders = ['/b/2026-11-01', '/b/2026-11-02', '/b/2026/11/03'].map((path, index) => ({
      path,
      files: [file(nightly[index] ?? '')],
    }))
    expect(backupsIn(folders, ['shop'], 'postgres')).toMatchObject({ directory: '/b', guessed: null })
  })

  it('are guessed where nothing says whose they are, or where there are several', () => {
    const one = { path: '/b', files: nightly.map((name) => file(name.replace('shop', 'x'))) }
    const other = { path: '/c', files: nightly.map((name) => file(name.replace('shop', 'y'))) }
    expect(backupsIn([one, other], ['shop'], 'postgres')?.guessed).toBe(
      'nothing in these names says whose backups they are; there are also /c/y_{time}.dump',
    )
  })

  it('never are files without a checksum if checksums are there, nor the other way round', () => {
    const files = nightly.map((name, index) => file(name, { checksum: index < 3 }))
    expect(backupsIn([{ path: '/b', files }], ['shop'], 'postgres')?.checksums).toBe(false)
  })

  it('are none of another engine, none that are empty and none of an unknown kind', () => {
    const files = [
      file('shop_20261101T010000Z.db', { kind: 'SQLite file' }),
      file('shop_20261101T010000Z.dump', { bytes: 0 }),
      file('shop_20261101T010000Z.backup', { kind: null }),
    ]
    expect(backupsIn([{ path: '/b', files }], ['shop'], 'postgres')).toBeNull()
    expect(backupsIn([{ path: '/b', files }], ['shop'], 'sqlite')?.pattern).toBe('shop_{time}.db')
  })
})

it.each<[string, string, BackupKind | null]>([
  ['pg_dump -Fc', 'PGDMP\x01', 'custom-format dump'],
  ['SQL', '--\n-- PostgreSQL database dump\n', 'plain SQL'],
  ['SQLite', 'SQLite format 3\0', 'SQLite file'],
  ['gzip', '\x1f\x8b\x08', 'gzip'],
  ['zstd', '\x28\xb5\x2f\xfd', 'zstd'],
  ['openssl', 'Salted__12345678', 'encrypted'],
  ['text', 'hello', null],
  ['nothing', '', null],
])('knows %s by its beginning', (_, text, kind) =>
  expect(kindOfBytes(Buffer.from(text, 'latin1'))).toBe(kind),
)
