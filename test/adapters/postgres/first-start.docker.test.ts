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
import { secretsOf } from '../../fixtures/secrets.ts'

describe.skipIf(!docker())('a container that initializes its database', () => {
  const project = `rbtest-first-${randomUUID().slice(0, 8)}`
  let folder = ''
  const compose = (...args: readonly string[]) =>
    execa('docker', ['compose', '--project-name', project, '--file', join(folder, 'compose.yml'), ...args])
  const psql = async (sql: string): Promise<string> =>
    (await compose('exec', '-T', '-u', 'postgres', 'db', 'psql', '-AtX', '-d', 'shop', '-c', sql)).stdout

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
    expect(scope.text()).toContain('waiting until the server accepts connections')
    expect(await psql("select rolname from pg_roles where rolname = 'made_last'")).toBe('made_last')
    expect(await psql('show listen_addresses')).toBe('*')
  }, 120_000)
})
