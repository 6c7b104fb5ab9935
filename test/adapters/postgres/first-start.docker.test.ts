import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { execAtDatabase } from '../../../src/adapters/docker/exec.ts'
import { postgresDatabases } from '../../../src/adapters/postgres/databases.ts'
import { shell } from '../../../src/adapters/process/shell.ts'
import type { PostgresDatabase } from '../../../src/drivers/databases.ts'
import { systemClock } from '../../../src/kernel/clock.ts'
import { eventually } from '../../fixtures/eventually.ts'
import { docker } from '../../fixtures/requirements.ts'
import { watchedScope } from '../../fixtures/scope.ts'
import { typed } from '../../fixtures/typed.ts'
import { secretsOf } from '../../fixtures/secrets.ts'

const root = join(import.meta.dirname, '..', '..', '..')
const runbook = join(root, 'bin', 'runbook.js')
const waiting = 'waiting until the server accepts connections'

describe.skipIf(!docker())('a container that initializes its database', () => {
  const project = `rbtest-first-${randomUUID().slice(0, 8)}`
  let folder = ''
  const compose = (...args: readonly string[]) =>
    execa('docker', ['compose', '--project-name', project, '--file', join(folder, 'compose.yml'), ...args])
  const psql = async (sql: string): Promise<string> =>
    (await compose('exec', '-T', '-u', 'postgres', 'db', 'psql', '-AtX', '-d', 'shop', '-c', sql)).stdout

  const configuration = (): string => `export default {
  runbooks: [${JSON.stringify(join(root, 'runbooks'))}], artifacts: './artifacts', state: './state',
  targets: { shop: ${JSON.stringify({
    stack: { kind: 'compose', project, files: ['compose.yml'] },
    writers: ['app'],
    database: { engine: 'postgres', service: 'db', name: 'shop', user: 'postgres', confirmPhrase: 'shop' },
    backups: { directory: '.', pattern: 'shop_{time}.dump', maxAge: '26h', minBytes: 10 },
    health: [{ name: 'app', service: 'app', passes: 1 }],
  })} } }\n`

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'first-start-'))
    await writeFile(join(folder, '1.sql'), 'select pg_sleep(6); create table made_first (id integer);')
    await writeFile(join(folder, '2.sql'), 'create role made_last;')
    await writeFile(
      join(folder, 'compose.yml'),
      `services:
  db:
    image: runbook-test/postgres:17
    command: [-c, fsync=off]
    environment: { POSTGRES_PASSWORD: only-for-this-test, POSTGRES_DB: shop }
    volumes: ['${folder}:/docker-entrypoint-initdb.d:ro']
    healthcheck: { test: [CMD, pg_isready, -q, -h, 127.0.0.1], interval: 1s, timeout: 10s, retries: 60 }
  app:
    image: runbook-test/busybox:1
    init: true
    command: [sleep, '1000']
    healthcheck: { test: [CMD, 'true'], interval: 1s, timeout: 10s }
`,
    )
    await execa('chmod', ['-R', 'a+rX', folder])
  })
  afterEach(async () => {
    await compose('down', '--volumes', '--timeout', '0')
    await rm(folder, { recursive: true, force: true })
  })

  it('is waited for: its temporary server is not the one that the application will use', async () => {
    await compose('up', '--detach')
    await eventually(
      () =>
        psql("select 1 from pg_stat_activity where query like 'select pg_sleep%'").then(
          (found) => found !== '',
          () => false,
        ),
      'the temporary server runs the first script',
    )
    const scope = watchedScope()
    const databases = postgresDatabases({
      shell,
      execIn: execAtDatabase,
      secrets: secretsOf({}),
      clock: systemClock,
      scope,
    })
    const database: PostgresDatabase = {
      engine: 'postgres',
      name: 'shop',
      user: 'postgres',
      via: {
        kind: 'compose',
        service: 'db',
        stack: {
          kind: 'compose',
          project,
          directory: folder,
          files: [join(folder, 'compose.yml')],
          envFiles: [],
          profiles: [],
          environment: {},
        },
      },
      confirmPhrase: 'shop',
      fingerprint: 'rows-and-digest',
    }
    expect((await databases.contents(database, 'shop')).tables.map(({ table }) => table)).toEqual([
      'public.made_first',
    ])
    expect(scope.text()).toContain(waiting)
    expect(await psql("select rolname from pg_roles where rolname = 'made_last'")).toBe('made_last')
    expect(await psql('show listen_addresses')).toBe('*')
  }, 120_000)

  it('is waited for by a run, which then restores into the server that stays', async () => {
    await writeFile(join(folder, '1.sql'), 'create table made_first (id integer);')
    await writeFile(
      join(folder, '0.sh'),
      '[ ! -e /docker-entrypoint-initdb.d/hold ] || while [ ! -e /docker-entrypoint-initdb.d/go ]; do sleep 0.2; done\n',
    )
    await execa('chmod', ['-R', 'a+rX', folder])
    await compose('up', '--detach', '--wait')
    await psql('insert into made_first select generate_series(1, 7)')
    const stamp = new Date(Date.now() - 60_000).toISOString().slice(0, 19).replaceAll(/[-:]/g, '')
    const dump = join(folder, `shop_${stamp.replace('T', '_')}.dump`)
    await execa('sh', [
      '-c',
      `docker exec -u postgres ${project}-db-1 pg_dump -Fc shop > ${dump} && sha256sum ${dump} > ${dump}.sha256`,
    ])
    await writeFile(join(folder, 'runbook.config.ts'), configuration(), { mode: 0o600 })
    await compose('down', '--volumes', '--timeout', '0')
    await writeFile(join(folder, 'hold'), '')
    await compose('up', '--detach')
    await eventually(
      () =>
        psql('select 1').then(
          () => true,
          () => false,
        ),
      'the temporary server answers',
    )
    const run = typed([process.execPath, runbook, 'run', 'full-db-rollback', '--confirm', 'shop'], {
      cwd: folder,
      env: { NO_COLOR: '1', HOME: folder },
    })
    await eventually(
      async () =>
        (await execa('grep', ['-rls', waiting, join(folder, 'artifacts')], { reject: false })).exitCode === 0,
      'the run waits',
    )
    expect(await psql("select count(*) from pg_database where datname like 'shop%'")).toBe('1')
    await writeFile(join(folder, 'go'), '')
    const ended = await run.finished
    expect(ended.code, `${ended.stdout}\n${ended.stderr}`).toBe(0)
    expect(await psql('select count(*) from made_first')).toBe('7')
    expect(await psql("select rolname from pg_roles where rolname = 'made_last'")).toBe('made_last')
    expect(await psql('show listen_addresses')).toBe('*')
  }, 240_000)
})
