import { readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { docker } from '../fixtures/requirements.ts'
import { checksum, openShop, writers, type Shop } from '../fixtures/shop.ts'
import type { Finished } from '../fixtures/typed.ts'

const hour = 3_600_000

describe.skipIf(!docker())('full-db-rollback on Compose and Postgres 17, with writers that write', () => {
  let shop: Shop
  let good: string
  let plain: string
  let badSince: string
  let old: string

  const roll = (...more: readonly string[]): Promise<Finished> =>
    shop.type(['run', 'full-db-rollback', '--bad-since', badSince, ...more])
  const approved = (...more: readonly string[]): Promise<Finished> => roll('--confirm', shop.phrase, ...more)

  const databases = async (): Promise<readonly string[]> =>
    (
      await shop.stack.sql<{ datname: string }>(
        "select datname from pg_database where datname like 'brace%' order by 1",
      )
    ).map(({ datname }) => datname)

  /** Everything of a database that is not in it: what a swap has to carry over. */
  const surroundings = async (): Promise<unknown> => {
    const [row] = await shop.stack.sql(`
      select pg_get_userbyid(datdba) as owner, (select array_agg(one::text order by one::text) from unnest(datacl) as one) as acl, datconnlimit as connections, shobj_description(oid, 'pg_database') as comment,
        (select json_agg(json_build_object('role', coalesce(setrole::regrole::text, '-'), 'settings', setconfig) order by setrole)
         from pg_db_role_setting where setdatabase = d.oid) as settings
      from pg_database d where datname = 'brace'`)
    return row
  }

  const folders = async (): Promise<string[]> =>
    (await readdir(shop.artifacts, { recursive: true })).filter((name) => name.endsWith('run.json'))
  const newest = async (): Promise<string> =>
    join(shop.artifacts, (await folders()).sort().at(-1) ?? '', '..')

  const whole = ({ stdout, stderr }: Finished): string => `${stdout}\n${stderr}`

  beforeAll(async () => {
    shop = await openShop()
    good = await shop.dump(new Date(Date.now() - 4 * hour))
    plain = await shop.plain(new Date(Date.now() - 4 * hour))
    badSince = new Date(Date.now() - 3 * hour).toISOString()
  }, 120_000)
  afterAll(() => shop[Symbol.asyncDispose]())

  beforeEach(async () => {
    // Damaged already where the last test left the old data in place.
    if (!(await shop.data()).includes('d4_bad')) await shop.damage()
    old = await shop.data()
    const aside = (await databases()).filter((name) => name !== 'brace')
    for (const name of aside) await shop.stack.sql(`drop database "${name}" with (force)`)
  }, 60_000)

  describe('goes well', () => {
    it('brings the good data live and keeps the old database, its owner, rights and settings with it', async () => {
      const before = await surroundings()
      const finished = await approved('--story', '3.10', '--reason', 'a migration made totals negative')
      expect(finished.code, whole(finished)).toBe(0)
      expect(JSON.parse(await shop.data())).toEqual({
        revision: 'c3_events',
        negative: 0,
        lines: true,
        customers: 2000,
      })
      expect(await surroundings()).toEqual(before)
      expect(await databases()).toEqual(['brace', expect.stringMatching(/^brace__old_/)])
      expect(await shop.writersUp()).toEqual([...writers].sort())
      expect((await shop.type(['evidence', 'verify', await newest()])).code).toBe(0)
      expect(await readFile(join(shop.artifacts, '3.10', 'restore-checklist.md'), 'utf8')).toContain(
        '| succeeded |',
      )
    }, 120_000)

    it('takes plain SQL in gzip, whose rows are known before, and refuses it in place', async () => {
      const inPlace = await approved('--dump', plain, '--strategy', 'in-place')
      expect(inPlace.code, whole(inPlace)).toBe(14)
      expect(whole(inPlace)).toMatch(/is plain SQL, which cannot replace live data in place/)
      expect(await shop.data()).toBe(old)
      const finished = await approved('--dump', plain)
      expect(finished.code, whole(finished)).toBe(0)
      expect(whole(finished)).toMatch(/runs its SQL as \S+ on \S+, without superuser rights/)
      expect(JSON.parse(await shop.data())).toEqual({
        revision: 'c3_events',
        negative: 0,
        lines: true,
        customers: 2000,
      })
      expect(await shop.writersUp()).toEqual([...writers].sort())
    }, 240_000)

    it('replaces the data in place, after a fallback dump', async () => {
      const finished = await approved('--strategy', 'in-place')
      expect(finished.code, whole(finished)).toBe(0)
      expect(JSON.parse(await shop.data())).toEqual({
        revision: 'c3_events',
        negative: 0,
        lines: true,
        customers: 2000,
      })
      expect(await databases()).toEqual(['brace'])
      expect(
        (await readdir(join(shop.stack.dir, 'dumps'))).some((name) => name.includes('before-rollback')),
      ).toBe(true)
      expect(await shop.writersUp()).toEqual([...writers].sort())
    }, 120_000)
  })

  describe('fails late and goes back', () => {
    const neverHealthy = async <T>(work: () => PromiseLike<T>): Promise<T> => {
      const file = join(shop.stack.dir, 'runbook.config.ts')
      const config = await readFile(file, 'utf8')
      await writeFile(
        file,
        config
          .replace("json: { status: 'ok' }", "json: { status: 'never' }")
          .replace("within: '20s'", "within: '3s'"),
      )
      try {
        return await work()
      } finally {
        await writeFile(file, config)
      }
    }

    it.each(['beside', 'in-place'])(
      'puts exactly the old data back when health never comes, with the strategy %s',
      async (strategy) => {
        const before = await surroundings()
        const finished = await neverHealthy(() => approved('--strategy', strategy))
        expect(finished.code, whole(finished)).toBe(10)
        expect(await shop.data()).toBe(old)
        expect(await surroundings()).toEqual(before)
        const beside = await databases()
        const kept = strategy === 'beside' ? beside[1] : undefined
        expect(beside).toEqual(kept === undefined ? ['brace'] : ['brace', kept])
        if (strategy === 'beside') expect(kept).toMatch(/^brace__kept_\d{8}_\d{6}_\w+$/)
        expect(finished.stdout).toContain(
          kept === undefined
            ? '/dumps/brace-kept-'
            : `kept: the database ${kept}, which was live in this run`,
        )
        expect(await shop.writersUp()).toEqual([...writers].sort())
        expect((await shop.type(['evidence', 'verify', await newest()])).code).toBe(0)
      },
      120_000,
    )
  })

  describe('refuses before anything is touched', () => {
    const untouched = async (finished: Finished, code: number, words: string | RegExp): Promise<void> => {
      expect(whole(finished)).toMatch(words)
      expect(finished.code, whole(finished)).toBe(code)
      expect(await shop.data()).toBe(old)
      expect(await databases()).toEqual(['brace'])
      expect(await shop.writersUp()).toEqual([...writers].sort())
    }
    const copyOf = async (
      name: string,
      change: (file: string) => Promise<void>,
      withChecksum = true,
    ): Promise<string> => {
      const file = join(shop.backups, name)
      await writeFile(file, await readFile(good))
      await change(file)
      if (withChecksum) await checksum(file)
      return file
    }

    it('a phrase that is wrong, and nobody to ask', async () => {
      await untouched(await roll('--confirm', 'yes'), 3, /restore brace on test/)
      await untouched(await roll(), 3, /no terminal to ask for/)
    }, 60_000)

    it('a dump that is not there', async () => {
      await untouched(await approved('--dump', 'backups/nothing.dump'), 3, /nothing\.dump/)
    }, 60_000)

    it('dumps that are empty, cut off, altered or of something else', async () => {
      const empty = await copyOf('brace_20260101_000001.dump', (file) => truncate(file, 0))
      await untouched(await approved('--dump', empty), 3, /0 bytes/)
      const half = await copyOf('brace_20260101_000002.dump', async (file) =>
        truncate(file, Math.floor((await readFile(file)).length / 2)),
      )
      await untouched(await approved('--dump', half), 14, /brace_20260101_000002/)
      const flipped = await copyOf(
        'brace_20260101_000003.dump',
        async (file) => {
          const bytes = await readFile(file)
          bytes[Math.floor(bytes.length / 2)]! ^= 1
          await writeFile(file, bytes)
        },
        false,
      )
      await writeFile(
        `${flipped}.sha256`,
        (await readFile(`${good}.sha256`, 'utf8')).replace(/brace_\S+/, 'brace_20260101_000003.dump'),
      )
      await untouched(await approved('--dump', flipped), 14, /checksum|sha256/i)
      const text = await copyOf('brace_20260101_000004.dump', (file) =>
        writeFile(file, 'select 1;\n'.repeat(1000)),
      )
      await untouched(await approved('--dump', text), 14, /brace_20260101_000004/)
    }, 120_000)

    it('a checksum file that is missing, or for another name', async () => {
      const bare = await copyOf('brace_20260101_000005.dump', () => Promise.resolve(), false)
      await untouched(await approved('--dump', bare), 3, /no checksum for backup/)
      await writeFile(`${bare}.sha256`, `${'0'.repeat(64)}  other.dump\n`)
      await untouched(await approved('--dump', bare), 3, /other\.dump/)
    }, 60_000)

    it('a newest dump that is too old, or none before the bad deployment', async () => {
      const long = new Date(Date.parse(badSince) - 400 * 24 * hour).toISOString()
      const finished = await shop.type([
        'run',
        'full-db-rollback',
        '--bad-since',
        long,
        '--confirm',
        shop.phrase,
      ])
      await untouched(finished, 3, /no backup/)
      const file = join(shop.stack.dir, 'runbook.config.ts')
      const config = await readFile(file, 'utf8')
      await writeFile(file, config.replace("maxAge: '26h'", "maxAge: '10m'"))
      try {
        await untouched(await approved(), 3, /at most 0\.2 h are allowed/)
      } finally {
        await writeFile(file, config)
      }
    }, 60_000)

    it('a service that is misspelt, and a Docker that does not answer', async () => {
      const file = join(shop.stack.dir, 'runbook.config.ts')
      const config = await readFile(file, 'utf8')
      await writeFile(file, config.replace('"scheduler"', '"sheduler"'))
      try {
        await untouched(await approved(), 3, /sheduler/)
      } finally {
        await writeFile(file, config)
      }
      const finished = await shop.type(
        ['run', 'full-db-rollback', '--bad-since', badSince, '--confirm', shop.phrase],
        { env: { DOCKER_HOST: 'unix:///nonexistent/docker.sock' } },
      )
      await untouched(finished, 3, /[Dd]ocker/)
    }, 60_000)

    it('a second run on the same target, also while the first is still open', async () => {
      const first = shop.start(['run', 'full-db-rollback', '--bad-since', badSince, '--confirm', shop.phrase])
      await first.says('Restore beside')
      const second = await approved()
      expect(second.code, whole(second)).toBe(13)
      first.child.kill('SIGKILL')
      await first.finished
      const third = await approved()
      expect(third.code, whole(third)).toBe(13)
      const run = /runbook resume (\S+?)`/.exec(whole(third))?.[1] ?? ''
      const back = await shop.type(['rollback', run])
      expect(back.code, whole(back)).toBe(0)
      expect(await shop.data()).toBe(old)
      expect(await databases()).toEqual(['brace'])
    }, 120_000)
  })

  describe('with eight lines of configuration', () => {
    const few = ['--config', 'few.config.ts']
    beforeAll(() =>
      writeFile(
        join(shop.stack.dir, 'few.config.ts'),
        `export default { runbooks: [], artifacts: './few', state: './state', targets: { few: {
          stack: { kind: 'compose', project: ${JSON.stringify(shop.stack.project)}, files: ['compose.yml'] },
          writers: ${JSON.stringify(writers)},
          database: { engine: 'postgres', service: 'db', name: 'brace', user: 'postgres' },
          backups: { directory: './backups', pattern: 'brace_{time}.dump', maxAge: '26h' },
          health: [{ name: 'backend', url: 'http://127.0.0.1:${shop.stack.ports.backend}/api/health' }],
        } } }`,
        { mode: 0o600 },
      ),
    )
    const reports = async (): Promise<string> => {
      const folder = join(shop.stack.dir, 'few')
      const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('report.md'))
      return (await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))).join('\n')
    }

    it('tests the dump in a server from the image of the stack, and says that nothing was asserted', async () => {
      const finished = await shop.type([...few, 'run', 'restore-test', '--dump', good])
      expect(finished.code, whole(finished)).toBe(0)
      expect(await shop.data()).toBe(old)
      expect(await reports()).toContain('the throwaway server has the image of the service db')
      expect(await reports()).toContain('"image": "runbook-test/postgres:17"')
    }, 120_000)

    it('brings the good data live, and says in dry run and report what was not proven', async () => {
      const said = 'only the health checks prove that the application works'
      const dry = await shop.type([...few, 'run', 'full-db-rollback', '--bad-since', badSince, '--dry-run'])
      expect(dry.stdout).toContain(said)
      const phrase = /--confirm '([^']+)'/.exec(whole(dry))?.[1] ?? ''
      const finished = await shop.type([
        ...few,
        'run',
        'full-db-rollback',
        '--bad-since',
        badSince,
        '--confirm',
        phrase,
      ])
      expect(finished.code, whole(finished)).toBe(0)
      expect(JSON.parse(await shop.data())).toMatchObject({ revision: 'c3_events', negative: 0, lines: true })
      expect(await reports()).toContain(said)
      expect(await readdir(join(shop.backups, 'replaced'))).toContainEqual(
        expect.stringContaining('replaced'),
      )
      expect(await shop.writersUp()).toEqual([...writers].sort())
    }, 120_000)
  })

  describe('a dry run', () => {
    it('foretells the run and changes nothing', async () => {
      const finished = await approved('--dry-run')
      expect(finished.code, whole(finished)).toBe(0)
      expect(await shop.data()).toBe(old)
      expect(await databases()).toEqual(['brace'])
      expect(await shop.writersUp()).toEqual([...writers].sort())
    }, 60_000)
  })
})
