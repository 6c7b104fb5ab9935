import { describe, expect, test } from 'vitest'
import { readProcedure } from '../../src/import/procedure.ts'
import { trapNames, trapsIn } from '../../src/import/traps.ts'

const fence = '```'
const shell = (...lines: readonly string[]): string =>
  ['# Restore', '', `${fence}bash`, ...lines, fence, ''].join('\n')

/** Each trap as `line name`; the first line of a block of `shell` is line 4. */
const found = (markdown: string): readonly string[] =>
  trapsIn(readProcedure(markdown)).map(({ line, name }) => `${line} ${name}`)

const throwaway = 'docker run --rm -d --name check -e POSTGRES_PASSWORD=x -p 55440:5432 postgres:16'
const ready = [
  'trap "docker rm -f check" EXIT',
  throwaway,
  'until pg_isready -h localhost -p 55440; do sleep 1; done',
  'export PGPASSWORD=x',
]

/** The smallest procedure with each trap, and what is found in it. */
const trapped: readonly (readonly [string, string, readonly string[]])[] = [
  [
    'a copy into a container that down removed',
    shell('docker compose down', 'docker cp web:/etc/app.conf /srv/kept/app.conf'),
    ['5 container-gone'],
  ],
  [
    'a program in a container that was stopped',
    shell('docker compose stop', 'docker exec web ls'),
    ['5 container-gone'],
  ],
  [
    'a program in the one service that was stopped',
    shell('docker compose stop web', 'docker exec shop-web-1 ls'),
    ['5 container-gone'],
  ],
  [
    'a program in a container that was removed by name',
    shell('docker rm -f web', 'docker exec web ls'),
    ['5 container-gone'],
  ],
  ['volumes that down removes', shell('docker compose down -v'), ['4 volumes-removed']],
  ['a smoke test by up', shell('docker compose up smoke-tests'), ['4 result-lost']],
  ['a build while going back', shell('docker compose up -d --build web'), ['4 builds-on-rollback']],
  ...[
    ['an image name was moved', 'docker tag shop/web:kept-1 shop/web:latest'],
    ['an image was loaded', 'docker load -i /srv/kept/web.tar'],
    ['an image was pulled', 'docker pull shop/web:1.3'],
    ['a script restored a dump', './scripts/put.sh ./dumps/FILE'],
    ['a dump was read', 'set -o pipefail; cat /backups/a.sql | psql -v ON_ERROR_STOP=1 -1 shop'],
    ['settings were put back', 'cp .env.bak .env'],
    ['a file of an earlier commit was put back', 'git checkout HEAD~1 -- .env'],
    ['the database was downgraded', 'docker compose exec web alembic downgrade -1'],
  ].map(
    ([what, command]) =>
      [
        `a build after ${what}, under any heading`,
        shell(command ?? '', 'docker compose up -d --build web').replace('# Restore', '# Alte Version'),
        ['5 builds-on-rollback'],
      ] as const,
  ),
  [
    'a build after the chosen tag was pulled',
    shell(
      'export IMAGE_TAG=1.3',
      'docker compose pull web',
      'docker compose build web',
      'docker compose up -d',
    ).replace('# Restore', '# Alte Version'),
    ['6 builds-on-rollback'],
  ],
  ['an array of JSON lines', shell("docker compose ps --format json | jq '.[].State'"), ['4 json-lines']],
  [
    'a variable for one command only',
    shell('TAG=1.4 docker compose up -d web', 'docker compose run --rm web migrate'),
    ['5 variable-forgotten'],
  ],
  [
    'a downgrade in the image that lacks the revision',
    shell(
      'export TAG=1.4',
      'TAG=1.4 docker compose up -d web',
      'docker compose run --rm web alembic downgrade -1',
    ),
    ['6 downgrade-too-late'],
  ],
  ['the newest backup', shell('FILE=$(ls -t /backups/*.dump | head -n 1)'), ['4 newest-taken']],
  [
    'a live SQLite file that is copied',
    shell('cp /srv/shop/shop.db /backups/shop-copy.db'),
    ['4 sqlite-copy-loses-rows'],
  ],
  [
    'a live SQLite file of a container',
    shell('docker cp web:/data/shop.db /backups/shop.db'),
    ['4 sqlite-copy-loses-rows'],
  ],
  [
    'a SQLite file that is put in place',
    shell('cp /backups/shop.db /srv/shop/shop.db'),
    ['4 sqlite-old-log'],
  ],
  [
    'roles of a new server',
    shell(...ready, 'pg_restore -h localhost -p 55440 -U postgres -d postgres shop.dump'),
    ['8 roles-missing'],
  ],
  [
    'select 1 after a restore',
    shell('pg_restore --no-owner -d shop shop.dump', 'psql -d shop -c "select 1"'),
    ['5 proves-nothing'],
  ],
  ['a dump in a pipe', shell('pg_dump shop | gzip > shop.sql.gz'), ['4 failure-hidden']],
  [
    'a dump in a container in a pipe',
    shell('docker compose exec -T db pg_dump shop | gzip > shop.sql.gz'),
    ['4 failure-hidden'],
  ],
  ['plain SQL from a file', shell('psql -d shop -f shop.sql'), ['4 errors-ignored']],
  ['plain SQL from a redirection', shell('psql shop < shop.sql'), ['4 errors-ignored']],
  [
    'plain SQL from a pipe',
    shell('set -o pipefail', 'gunzip -c shop.sql.gz | psql shop'),
    ['5 errors-ignored'],
  ],
  [
    'a throwaway without waiting, password or end',
    shell(throwaway, 'pg_restore --no-owner -h localhost -p 55440 -d postgres shop.dump'),
    ['4 server-not-ready', '4 server-left', '5 password-missing'],
  ],
  [
    'a name that is computed twice',
    shell('cp app.conf kept-$(date +%Y%m%d%H).conf', 'cp kept-$(date +%Y%m%d%H).conf app.conf'),
    ['5 name-changes'],
  ],
  ['a folder moved aside by day', shell('mv data data.$(date +%Y%m%d)'), ['4 same-day']],
  ['a dump written by day', shell('pg_dump shop > /b/shop-$(date +%F).sql'), ['4 same-day']],
  [
    'a dump packed and written by day',
    shell('set -o pipefail', 'pg_dump shop | gzip > shop-`date +%Y-%m-%d`.sql.gz'),
    ['5 same-day'],
  ],
  ['a dump named by day', shell('pg_dump -Fc -f shop-$(date +%F).dump shop'), ['4 same-day']],
  ['a dump named by day, attached', shell('pg_dump -Fc --file=shop-$(date +%F).dump shop'), ['4 same-day']],
  ['an archive by day', shell('tar czf data-$(date +%Y%m%d).tgz data'), ['4 same-day']],
  ['images by day', shell('docker save -o app-$(date +%j).tar app:1'), ['4 same-day']],
  [
    'a day in a variable',
    shell('DAY=$(date +%F)', 'OUT=shop-$DAY.sql', 'pg_dump shop > "$OUT"'),
    ['6 same-day'],
  ],
  [
    'a copy of what is printed, by day',
    shell('set -o pipefail', 'pg_dump shop | tee shop-$(date +%F).sql'),
    ['5 same-day'],
  ],
  ['a file kept by day', shell('cp .env .env.kept-$(date +%F)'), ['4 same-day']],
  [
    'sed that may match nothing',
    shell("sed -i 's|image: shop:.*|image: shop:1.4|' compose.yml"),
    ['4 replaces-nothing'],
  ],
  ['tar into a folder that is not there', shell('tar -xzf shop.tar.gz -C /tmp/shop'), ['4 folder-missing']],
  ['tar in its old style', shell('tar xzf shop.tar.gz -C /tmp/shop'), ['4 folder-missing']],
  [
    'the checksum of an absolute path',
    shell('sha256sum /srv/b/shop.dump > shop.sha256'),
    ['4 checksum-of-a-place'],
  ],
  [
    'a list that is checked from elsewhere',
    shell('sha256sum --check /mnt/b/shop.sha256'),
    ['4 checksum-of-a-place'],
  ],
  ['pruning by a list of names', shell('ls -t *.tar.gz | tail -n +4 | xargs rm'), ['4 removes-by-age']],
  ['pruning by age alone', shell('find /backups -mtime +14 -delete'), ['4 removes-by-age']],
  ['a log that is followed', shell('docker compose -f compose.yml logs -f web'), ['4 never-ends']],
  ['a file that is followed', shell('tail -f /var/log/shop.log'), ['4 never-ends']],
  ['an editor', shell('nano compose.yml'), ['4 waits-for-editor']],
  ['one request after a pause', shell('sleep 10', 'curl -f http://localhost/health'), ['4 waits-once']],
  [
    'a script that ends half way',
    shell(
      'docker compose up -d',
      'if curl -f http://localhost/health; then',
      '  echo good',
      'else',
      '  echo bad',
      '  exit 1',
      'fi',
    ),
    ['9 leaves-half'],
  ],
  ['gpg with a passphrase', shell('gpg --batch --passphrase-fd 0 -o a -d a.gpg'), ['4 gpg-asks']],
  [
    'a log in another format',
    shell(
      '# Format: DATE | VERSION | COMMIT | STATUS',
      'echo "$(date) | $V | ROLLBACK | SUCCESS" >> history.log',
    ),
    ['5 log-format'],
  ],
  [
    'an environment file that no command reads',
    `The settings are in \`.env.live\`.\n\n${shell('docker compose --env-file .env pull')}`,
    ['6 other-env-file'],
  ],
  [
    'a record with another name',
    'Take `shop_YYYYMMDD.dump`.\n\nTested: `shop_eu_20260102.dump`.\n',
    ['3 other-name'],
  ],
  [
    'a record with another port',
    `${shell(...ready)}\nTested with postgres:16 on :15440.\n`,
    ['10 other-port'],
  ],
  ['a single pointer', '- Writes a pointer to the latest image.\n', ['1 latest-pointer']],
  [
    'pruning that is not deep enough',
    `Files go to \`/mnt/kept/YYYY/MM-DD/\`.\n\n${shell('find /mnt/kept -maxdepth 2 -name "*.gz" -delete')}`,
    ['6 prune-too-shallow'],
  ],
]

test.each(trapped)('%s', (_, markdown, expected) => {
  expect(found(markdown)).toEqual(expected)
})

test('every kind of trap has such a procedure', () => {
  const shown = new Set(
    trapped.flatMap(([, , expected]) => expected.map((entry) => entry.replace(/^\d+ /, ''))),
  )
  expect([...trapNames].filter((name) => !shown.has(name))).toEqual([])
  expect(new Set(trapNames).size).toBe(trapNames.length)
})

test('each says why and what to do instead', () => {
  const traps = trapped.flatMap(([, markdown]) => trapsIn(readProcedure(markdown)))
  expect(
    traps.filter(({ reason, cure, text }) => reason.length < 20 || cure.length < 20 || text === ''),
  ).toEqual([])
})

/** Each looks like a trap and is harmless. */
const harmless: readonly (readonly [string, string])[] = [
  [
    'a container that is up again',
    shell('docker compose down', 'docker compose up -d', 'docker exec web ls'),
  ],
  [
    'a copy from a stopped container',
    shell('docker compose stop', 'docker cp web:/etc/app.conf /srv/kept/app.conf'),
  ],
  ['another service than the stopped one', shell('docker compose stop web', 'docker exec shop-db-1 ls')],
  [
    'a new container of a stopped service',
    shell('docker compose stop web', 'docker compose run --rm web ls'),
  ],
  ['another procedure', `${shell('docker compose down')}\n# Look\n\n\`docker exec web ls\`\n`],
  ['down without volumes', shell('docker compose down --remove-orphans')],
  ['a smoke test with its exit code', shell('docker compose up --exit-code-from smoke smoke')],
  ['a smoke test by run', shell('docker compose run --rm smoke-tests')],
  ['a log of the day that is added to', shell('pg_dump shop --verbose 2>&1 >> log-$(date +%F).txt')],
  [
    'a dump with its time in a variable',
    shell('NOW=$(date +%Y%m%dT%H%M%S)', 'pg_dump shop > "shop-$NOW.sql"'),
  ],
  ['an archive of the day that is read', shell('tar tzf data-$(date +%F).tgz')],
  [
    'a log of the day through tee',
    shell('set -o pipefail', 'curl http://shop/health | tee -a log-$(date +%F)'),
  ],
  ['a build where nothing goes back', '# Deploy\n\n`docker compose up -d --build web`\n'],
  [
    'a deployment in a document about both',
    '# Deploy and roll back\n\n## Deploy\n\n`docker compose up -d --build web`\n',
  ],
  ['a build of the sources that were good', shell('git checkout v1.3', 'docker compose up -d --build web')],
  [
    'a build after what is kept was made',
    shell(
      'cp .env .env.bak',
      'docker tag shop/web:latest shop/web:kept',
      'TAG=2 docker compose up --build -d',
    ).replace('# Restore', '# Neue Version'),
  ],
  [
    'a build after base image and registry name',
    shell(
      'docker pull node:22',
      'docker tag shop/web:2 registry.example.com/shop/web:2',
      'docker push registry.example.com/shop/web:2',
      'docker compose up -d --build web',
    ).replace('# Restore', '# Neue Version'),
  ],
  [
    'JSON lines read as such',
    shell(
      "docker compose ps --format json | jq -s '.[].State'",
      "docker compose ps --format json | jq '.State'",
    ),
  ],
  ['an array that is one', shell("docker inspect web | jq '.[0].Config'")],
  [
    'a variable for all commands',
    shell('export TAG=1.4', 'docker compose up -d web', 'docker compose run --rm web ls'),
  ],
  ['a variable that each command has', shell('TAG=1.4 docker compose pull', 'TAG=1.4 docker compose up -d')],
  [
    'a downgrade before the image',
    shell('docker compose run --rm web alembic downgrade -1', 'TAG=1.4 docker compose up -d web'),
  ],
  ["SQLite's own backup", shell(`sqlite3 /srv/shop/shop.db ".backup '/backups/shop.db'"`)],
  ['a backup that is copied aside', shell('cp /backups/shop.db /tmp/shop.db')],
  ['a SQLite file with its log', shell('cp /srv/shop/shop.db* /srv/kept/')],
  [
    'a SQLite file whose old log is removed',
    shell('rm -f /srv/shop/shop.db-wal /srv/shop/shop.db-shm', 'cp /backups/shop.db /srv/shop/shop.db'),
  ],
  [
    'a restore without owners',
    shell(...ready, 'pg_restore --no-owner -h localhost -p 55440 -U postgres -d postgres shop.dump'),
  ],
  ['a restore into the server of the dump', shell('pg_restore -d shop shop.dump')],
  ['a list of a dump', shell(...ready, 'pg_restore --list shop.dump')],
  [
    'a question about rows',
    shell(
      'pg_restore --no-owner -d shop shop.dump',
      'psql -d shop -c "select 1"',
      'psql -d shop -c "select count(*) from orders"',
    ),
  ],
  ['select 1 before a restore', shell('psql -c "select 1"', 'pg_restore --no-owner -d shop shop.dump')],
  ['a dump in a pipe that notices', shell('set -euo pipefail', 'pg_dump shop | gzip > shop.sql.gz')],
  ['a dump that writes its file', shell('pg_dump -Fc -f shop.dump shop')],
  ['SQL that stops', shell('psql -v ON_ERROR_STOP=1 --single-transaction -f shop.sql shop')],
  [
    'a name that is kept',
    shell('KEPT=kept-$(date +%Y%m%d%H%M%S).conf', 'cp app.conf "$KEPT"', 'cp "$KEPT" app.conf'),
  ],
  ['two lines of a log', shell('echo "$(date +%F) begin" >> a.log', 'echo "$(date +%F) end" >> a.log')],
  ['a name with the time', shell('mv data data.$(date +%Y%m%dT%H%M%S)')],
  [
    'sed that is checked',
    shell("grep -q 'image: shop:' compose.yml", "sed -i 's|image: shop:.*|image: shop:1.4|' compose.yml"),
  ],
  ['sed that only prints', shell("sed -n 's/a/b/p' compose.yml")],
  ['tar into a folder that was made', shell('mkdir -p /tmp/shop', 'tar -xzf shop.tar.gz -C /tmp/shop')],
  ['tar into this folder', shell('tar -xzf shop.tar.gz -C .')],
  [
    'a checksum where the file is',
    shell('cd /srv/b', 'sha256sum shop.dump > shop.dump.sha256', 'sha256sum --check shop.dump.sha256'),
  ],
  ['a checksum that is only shown', shell('sha256sum /srv/b/shop.dump')],
  ['a search that removes nothing', shell('find /backups -mtime +14 -name "*.dump"')],
  ['a window of a log', shell('docker compose -f compose.yml logs --since=10m web | tail -n 200')],
  ['a log that is followed for a time', shell('timeout 30 docker compose logs -f web')],
  ['a loop that waits', shell('until curl -f http://localhost/health; do sleep 2; done')],
  [
    'a pause before a request that is repeated',
    shell('sleep 5', 'curl --retry 20 --retry-delay 2 http://localhost/health'),
  ],
  [
    'a script that stops before it acts',
    shell('if [ -z "$1" ]; then', '  echo usage', '  exit 1', 'fi', 'docker compose up -d'),
  ],
  [
    'a script that goes back',
    shell(
      'docker compose up -d',
      'if ! curl -f http://localhost/health; then',
      '  cp compose.old.yml compose.yml',
      '  docker compose up -d',
      '  exit 1',
      'fi',
    ),
  ],
  ['gpg that does not ask', shell('gpg --batch --pinentry-mode loopback --passphrase-fd 0 -o a -d a.gpg')],
  [
    'a log in its format',
    shell('# Format: DATE | VERSION | STATUS', 'echo "$(date) | $V | SUCCESS" >> history.log'),
  ],
  [
    'an example of an environment file',
    `Copy \`.env.example\`.\n\n${shell('docker compose --env-file .env pull')}`,
  ],
  ['a record with the right name', 'Take `shop_YYYYMMDD.dump`.\n\nTested: `shop_20260102.dump`.\n'],
  ['both words in cells of a table', '| latest | pointer |\n| --- | --- |\n| image | mouse |\n'],
  ['a word about the latest version', '- The latest image is listed in the registry.\n'],
  [
    'pruning that is deep enough',
    `Files go to \`/mnt/kept/YYYY/MM-DD/\`.\n\n${shell('find /mnt/kept -maxdepth 3 -name "*.gz" -delete')}`,
  ],
  ['a sample in another language', `${fence}yaml\ncommand: tail -f /var/log/shop.log\n${fence}\n`],
]

describe('none is reported for', () => {
  test.each(harmless)('%s', (_, markdown) => {
    expect(found(markdown)).toEqual([])
  })
})
