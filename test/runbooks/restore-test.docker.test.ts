import { readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ThrowawayDatabase } from '../../src/drivers/databases.ts'
import { crashesIn } from '../crash/boundaries.ts'
import { deadly, type Kill } from '../crash/kill.ts'
import { endOf } from '../fixtures/commands.ts'
import { exactOutput } from '../fixtures/exact-output.ts'
import { containerFixture, type ContainerFixture } from '../fixtures/postgres-container.ts'
import { docker } from '../fixtures/requirements.ts'
import { watchedScope } from '../fixtures/scope.ts'
import type { Finished } from '../fixtures/typed.ts'

const root = join(import.meta.dirname, '..', '..')
const image = 'runbook-test/postgres:17'
const whole = ({ code, signal, stdout, stderr }: Finished): string =>
  `exit ${code ?? signal}\n${stdout}\n${stderr}`

const documented = `# Rollback / Restore Runbook

### Latest tested restore
- Date: 2026-02-03
- Dump: \`brace_tg_20260203045206.dump\`

## Full DB rollback (production)
`

describe.skipIf(!docker())('restore-test on the stack of brace', () => {
  let fixture: ContainerFixture
  let dir: string
  let dump: string
  let live: string
  let before: readonly string[]
  let trap: Promise<string> | null = null

  const sh = (
    command: string,
  ): Promise<{ readonly exitCode?: number | undefined; readonly stdout: string; readonly stderr: string }> =>
    execa('docker', ['exec', String(id), 'sh', '-c', command], { reject: false })
  let id: string | undefined

  const type = (args: readonly string[], kill: Kill | null = null): Promise<Finished> => {
    const { node, env } = deadly(kill)
    return endOf(args, { node, cwd: dir, env: { ...env, NO_COLOR: '1' } })
  }
  const test = (more: readonly string[] = [], kill: Kill | null = null): Promise<Finished> =>
    type(['run', 'restore-test', ...more], kill)
  const record = (): Promise<string> => readFile(join(dir, 'rollback.md'), 'utf8')

  /** Volumes of others come and go, so only those of throwaways count: each of them is one that a container of ours had. */
  const throwaways = async (): Promise<readonly string[]> =>
    (
      await execa('docker', ['ps', '--all', '--filter', 'label=runbook.throwaway', '--format', '{{.Names}}'])
    ).stdout
      .split('\n')
      .filter((name) => name.startsWith('brace-restore-test-'))
  const volumeOf = async (container: string): Promise<string> =>
    (await execa('docker', ['inspect', '--format', '{{range .Mounts}}{{.Name}}{{end}}', container])).stdout
  const isThere = async (volume: string): Promise<boolean> =>
    (await execa('docker', ['volume', 'inspect', volume], { reject: false })).exitCode === 0

  /** Whatever could change of the live server: its databases, roles and rows, and which transaction is the next: one that writes takes a number. */
  const standing = async (): Promise<string> => {
    const [row] = await fixture.stack.sql(`
      select (select json_agg(json_build_array(oid, datname, datacl::text) order by oid) from pg_database) as databases, (select json_agg(rolname order by oid) from pg_roles) as roles,
        pg_current_xact_id_if_assigned()::text as own, pg_snapshot_xmax(pg_current_snapshot())::text as next,
        (select json_agg(json_build_array(relname, n_tup_ins, n_tup_upd, n_tup_del) order by relid) from pg_stat_user_tables) as written`)
    return JSON.stringify(row)
  }

  beforeAll(async () => {
    fixture = await containerFixture()
    dir = fixture.stack.dir
    id = await fixture.stack.containerId('db')
    dump = join(dir, 'brace_tg_20260203045206.dump')
    const { stdout } = await execa(
      'docker',
      ['exec', String(id), 'pg_dump', '-U', 'postgres', '-Fc', 'brace'],
      { ...exactOutput },
    )
    await writeFile(dump, stdout)
    await writeFile(join(dir, 'slow.sh'), 'sleep 3\n')
    await writeFile(join(dir, 'rollback.md'), documented)
    await writeFile(
      join(dir, 'runbook.config.ts'),
      `
import { defineConfig } from ${JSON.stringify(join(root, 'src', 'index.ts'))}
import { brace } from ${JSON.stringify(join(root, 'targets', 'brace.ts'))}
const target = brace({
  root: ${JSON.stringify(dir)}, composeFiles: ['compose.yml'], envFiles: ['.env'], project: ${JSON.stringify(fixture.stack.project)}, database: 'brace', testImage: 'runbook-test/postgres:{major}', record: 'rollback.md',
})
export default defineConfig({
  runbooks: [${JSON.stringify(join(root, 'runbooks'))}], artifacts: './artifacts', state: './state',
  targets: { brace: { ...target, backups: { ...target.backups, directory: ${JSON.stringify(dir)}, maxAge: '9999d' }, checklist: 'log.md' } },
})
`,
      { mode: 0o600 },
    )
    // What it does of itself now and then counts as transactions too.
    await fixture.stack.sql('alter system set autovacuum = off')
    await fixture.stack.sql('select pg_reload_conf()')
    live = await standing()
    before = await throwaways()
  }, 120_000)
  afterAll(async () => {
    await execa('docker', ['rm', '--force', '--volumes', String(await trap)], { reject: false })
    await fixture?.stop()
  })

  beforeEach(() => writeFile(join(dir, 'rollback.md'), documented))
  afterEach(async () => {
    expect(await throwaways()).toEqual(before)
    expect(await standing()).toBe(live)
  })

  it('foretells the test and starts nothing', async () => {
    const finished = await test(['--dry-run'])
    expect(finished.code, whole(finished)).toBe(0)
    expect(whole(finished)).toMatch(/a container brace-restore-test-\S+, until the end of the run/)
    expect(await record()).toBe(documented)
  }, 60_000)

  it('T.18: waits for the real server, where the socket answers while the data is still being set up', async () => {
    const container = await (trap ??= openTrap())
    const ready = async (): Promise<boolean> =>
      (await execa('docker', ['exec', container, 'pg_isready', '-q'], { reject: false })).exitCode === 0
    const database: ThrowawayDatabase = {
      engine: 'postgres',
      name: 'postgres',
      user: 'postgres',
      via: { kind: 'throwaway', container },
      confirmPhrase: 'none',
      fingerprint: 'rows',
    }
    await expect.poll(ready, { timeout: 20_000, interval: 50 }).toBe(true)
    // What were restored now would go to a server that is shut down the next moment.
    const databases = fixture.databases(watchedScope())
    const early = await databases.identity(database).then(
      () => 'answered',
      ({ code }: { readonly code: string }) => code,
    )
    const { all: log } = await execa('docker', ['logs', container], { all: true })
    if (early === 'answered') expect(log).toContain('PostgreSQL init process complete')
    else expect(early).toBe('preflight')
    await expect
      .poll(
        () =>
          databases.identity(database).then(
            ({ major }) => major,
            () => null,
          ),
        { timeout: 20_000, interval: 200 },
      )
      .toBe(17)

    const odd = ['we"ird; drop table x', "o'clock\\", 'Ünï', '-x']
    expect(await databases.createRoles(database, [...odd, 'postgres', '-x'])).toEqual(odd)
    expect(await databases.createRoles(database, odd)).toEqual([])
    expect(
      await databases.query(
        database,
        'postgres',
        "select rolname from pg_roles where not rolcanlogin and rolname !~ '^pg_' order by oid",
      ),
    ).toEqual(odd.map((rolname) => ({ rolname })))
  }, 60_000)

  it('T.14: restores with the roles that the dump needs, where `pg_restore` alone exits 1 with every row there', async () => {
    // A server that knows neither role, as the document starts it.
    const naive = await restoredNaively(dump)
    expect(naive).toEqual({
      code: 1,
      orders: '6000',
      complaint: expect.stringContaining('role "brace_user" does not exist') as string,
    })

    const finished = await test()
    expect(finished.code, whole(finished)).toBe(0)
    const told = await record()
    expect(told).toBe(documented.replace(/(- .*\n)+/, told.match(/(- .*\n)+/)?.[0] ?? '?'))
    expect(told).toMatch(
      /- Dump: `brace_tg_20260203045206\.dump`\n- Steps: throwaway `runbook-test\/postgres:17` \(PostgreSQL 17\..*created roles `brace_readonly`, `brace_user`.*counted \d{5} rows in 5 tables, alembic revision `c3_events`, "there is one migration level" returned `1`/,
    )
    expect(await readFile(join(dir, 'log.md'), 'utf8')).toMatch(
      /\| restore-test \| brace \| succeeded \| \S+brace_tg_20260203045206\.dump \|/,
    )
    const evidence = /^Evidence: (.+)$/m.exec(finished.stdout)?.[1] ?? 'none'
    const { provenance } = JSON.parse(await readFile(join(dir, evidence, 'run.json'), 'utf8')) as {
      readonly provenance: unknown
    }
    const inspected = await execa('docker', ['image', 'inspect', '--format', '{{.Id}}', image])
    expect(provenance).toMatchObject({
      images: [],
      imagesAtEnd: expect.arrayContaining([
        { what: 'throwaway server', image, id: inspected.stdout, digests: [], why: null },
      ]) as unknown,
    })
  }, 120_000)

  it.each([
    ['brace_tg_20260203045208.sql.gz', 'pg_dump -U postgres brace | gzip'],
    ['brace_tg_20260203045209.sql.gz', 'pg_dumpall -U postgres | gzip'],
  ])(
    'restores plain SQL in gzip, and counts it: %s',
    async (name, made) => {
      const file = join(dir, name)
      await writeFile(
        file,
        (await execa('docker', ['exec', String(id), 'sh', '-c', made], { ...exactOutput })).stdout,
      )
      const finished = await test(['--dump', file])
      expect(finished.code, whole(finished)).toBe(0)
      expect(await record()).toMatch(
        /created roles `brace_readonly`, `brace_user`.*counted \d{5} rows in 5 tables, alembic revision `c3_events`/,
      )
      await truncate(file, 2000)
      const cut = await test(['--dump', file])
      expect(cut.code, whole(cut)).toBe(14)
      expect(whole(cut)).toContain('its gzip stream ends too early')
      await rm(file)
    },
    120_000,
  )

  it('T.15: refuses half a dump, whose list is complete and after whose restore `select 1` is fine', async () => {
    const half = join(dir, 'half_20260203045207.dump')
    await writeFile(half, await readFile(dump))
    await truncate(half, Math.floor((await readFile(dump)).length * 0.6))
    await execa('docker', ['cp', half, `${id}:/tmp/half.dump`])
    expect((await sh('pg_restore --list /tmp/half.dump >/dev/null')).exitCode).toBe(0)
    const naive = await restoredNaively(half)
    expect(naive.code).toBe(1)
    // The table is there, and what the document asks is answered.
    expect(Number(naive.orders)).toBe(0)

    const finished = await test(['--dump', half])
    expect(finished.code, whole(finished)).toBe(14)
    expect(whole(finished)).toMatch(/truncated or damaged/)
    expect(await record()).toBe(documented)
    expect(await readFile(join(dir, 'log.md'), 'utf8')).toMatch(
      /rolled-back: .*truncated or damaged.*half_20260203045207\.dump/,
    )
  }, 120_000)

  it('T.17: refuses plain SQL that is there three times, which `psql` restores with exit code 0', async () => {
    const plain = join(dir, 'brace_20260203045208.dump')
    const twice = await sh(
      `createdb -U postgres plain && psql -U postgres -q -d plain -c 'create table t (id int); insert into t select generate_series(1, 10)' && pg_dump -U postgres plain >/tmp/plain.sql && psql -U postgres -q -d plain -f /tmp/plain.sql; echo "code $?"; psql -U postgres -At -d plain -c 'select count(*) from t'; dropdb -U postgres plain`,
    )
    expect(twice.stdout).toMatch(/code 0\n20$/)
    expect(twice.stderr).toContain('relation "t" already exists')
    await writeFile(plain, (await sh('cat /tmp/plain.sql')).stdout.repeat(3))
    live = await standing()
    const finished = await test(['--dump', plain])
    expect(finished.code, whole(finished)).toBe(14)
    expect(whole(finished)).toMatch(/extra data after its end mark/)
    await execa('rm', [plain])
  }, 60_000)

  it.each([
    ...crashesIn('start-a-throwaway-postgres-of-the-dump-s-major-version', 900),
    [
      'mid-effect',
      { when: 'during', type: 'intent', step: 'restore-the-dump-into-the-throwaway', wait: 300 },
      'resume',
    ] as const,
  ])(
    'killed %s (%j), then %s: no container and no volume stays',
    async (_, kill, way) => {
      const killed = await test([], kill)
      expect(killed.signal, whole(killed)).toBe('SIGKILL')
      const volumes = await Promise.all(
        (await throwaways()).filter((name) => !before.includes(name)).map(volumeOf),
      )
      const finished = await type([way])
      expect(finished.code, whole(finished)).toBe(0)
      for (const volume of volumes) expect(await isThere(volume)).toBe(false)
      if (way === 'resume') expect(await record()).toMatch(/- Result: pass/)
      else expect(await record()).toBe(documented)
    },
    120_000,
  )

  it('is cleared away after a kill though the live database has stopped since', async () => {
    const killed = await test([], {
      when: 'after',
      type: 'ended',
      step: 'start-a-throwaway-postgres-of-the-dump-s-major-version',
    })
    expect(killed.signal, whole(killed)).toBe('SIGKILL')
    await fixture.stack.compose('stop', '--timeout', '5', 'db')
    try {
      const finished = await type(['rollback'])
      expect(finished.code, whole(finished)).toBe(0)
    } finally {
      await fixture.stack.compose('up', '--detach', '--wait', 'db')
    }
    live = await standing()
  }, 120_000)

  /** A server as the document starts it, still setting itself up; the traps share it. */
  async function openTrap(): Promise<string> {
    const name = `brace-trap-${Math.random().toString(36).slice(2, 10)}`
    const set = [
      '--detach',
      '--network',
      'none',
      '--name',
      name,
      '--env',
      'POSTGRES_PASSWORD=trap',
      '--volume',
      `${join(dir, 'slow.sh')}:/docker-entrypoint-initdb.d/slow.sh:ro`,
    ]
    await execa('docker', ['run', ...set, image])
    return name
  }

  /** As the document has it: pg_restore into a server that was just started, and a question. */
  async function restoredNaively(
    file: string,
  ): Promise<{ readonly code: number | undefined; readonly orders: string; readonly complaint: string }> {
    const name = await (trap ??= openTrap())
    const inside = (...argv: readonly string[]) => execa('docker', ['exec', name, ...argv], { reject: false })
    await expect
      .poll(async () => (await inside('pg_isready', '-q', '-h', '127.0.0.1')).exitCode, {
        timeout: 30_000,
        interval: 100,
      })
      .toBe(0)
    await execa('docker', ['cp', file, `${name}:/tmp/dump`])
    await inside('dropdb', '-U', 'postgres', '--if-exists', 'naive')
    await inside('createdb', '-U', 'postgres', 'naive')
    const { exitCode, stderr } = await inside('pg_restore', '-U', 'postgres', '-d', 'naive', '/tmp/dump')
    expect((await inside('psql', '-U', 'postgres', '-At', '-d', 'naive', '-c', 'select 1')).stdout).toBe('1')
    const { stdout: orders } = await inside(
      'psql',
      '-U',
      'postgres',
      '-At',
      '-d',
      'naive',
      '-c',
      'select count(*) from orders',
    )
    return { code: exitCode, orders, complaint: stderr }
  }
})
