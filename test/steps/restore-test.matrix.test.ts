import { describe, expect, it } from 'vitest'
import book from '../../runbooks/restore-test.ts'
import { sha256 } from '../../src/kernel/json.ts'
import { planOf } from '../../src/model/plan.ts'
import {
  dumpBytes,
  fakeServer,
  lay,
  fakeMachine,
  noContainers,
  type FakeDump,
  type FakeWorld,
} from '../../src/testing/index.ts'
import { provesItself } from '../fixtures/matrix.ts'
import { braceDumps, checklist, documented, dumped, dumpFile, record, withDump } from './fake-restore.ts'

const text = (world: FakeWorld, file: string): string =>
  Buffer.from(world.disk.files.get(file) ?? []).toString()

provesItself({
  name: 'restore-test',
  book,
  target: braceDumps,
  params: {},
  world: withDump,
  records: [checklist],
  dated: (path) => path === record,
  succeeded: (world) => {
    expect(world.containers.containers.size).toBe(0)
    expect(world.server.databases.get('brace')?.tables).toEqual({ orders: [{ id: 9 }] })
    expect(text(world, record)).toBe(
      documented.replace(
        /(?<=### Latest tested restore\n)(?:- .*\n)+/,
        text(world, record).match(/(?<=### Latest tested restore\n)(?:- .*\n)+/)?.[0] ?? '?',
      ),
    )
    expect(text(world, record)).toMatch(
      /^- Dump: `brace_tg_20260203040000\.dump`\n- Steps: throwaway `postgres:17-alpine` \(PostgreSQL 17\.1\).*created roles `brace_user`, `brace_readonly`.*counted 3 rows in 2 tables, alembic revision `c3_events`, "there is one migration level" returned `1`, dropped the container\.\n- Result: pass/m,
    )
    expect(text(world, checklist)).toContain(`| succeeded | ${dumpFile} |`)
  },
})

describe('restore-test', () => {
  const machine = (world: FakeWorld, target = braceDumps) => fakeMachine(world, { book, target })
  const live = (world: FakeWorld): unknown => [...world.server.databases, ...world.server.roles]

  async function refused(world: FakeWorld, code: string, words: RegExp, target = braceDumps): Promise<void> {
    const before = { ...world.state(), files: {} }
    const lived = live(world)
    const result = await machine(world, target).run({})
    expect(result.code).toBe(code)
    expect(JSON.stringify(result)).toMatch(words)
    expect({ ...world.state(), files: {} }).toEqual(before)
    expect(live(world)).toEqual(lived)
    // The proof of the test before stays, and the failure is told in the log.
    expect([documented, '']).toContain(text(world, record))
    if (result.outcome === 'rolled-back')
      expect(text(world, checklist)).toMatch(
        /\| rolled-back: .*\| \/srv\/brace\/backups\/|\| rolled-back: .*\| – \|/,
      )
  }

  it('starts the server of the major version that was dumped', async () => {
    const world = withDump({ ...dumped, major: 16 })
    await refused(
      world,
      'preflight',
      /requires Postgres 16, and the image postgres:16-alpine is not on this machine/,
    )
    expect((await machine(world).run({})).outcome).toBe('refused')
    expect((await machine(world).dryRun({})).code).toBe('preflight')
  })

  it('needs no live database', async () => {
    const world = withDump()
    world.server.reachable = false
    expect((await machine(world).run({})).code).toBe('succeeded')
  })

  const dumps: readonly (readonly [string, Uint8Array | null, string, RegExp])[] = [
    ['is empty', new Uint8Array(0), 'preflight', /0 bytes/],
    ['is cut off', dumpBytes(dumped).subarray(0, 150), 'verification', /truncated/],
    [
      'is of another database',
      dumpBytes({ ...dumped, database: 'other' }),
      'verification',
      /dump of the database other, not of brace/,
    ],
    [
      'holds no rows',
      dumpBytes({ ...dumped, tables: { alembic_version: [], orders: [] } }),
      'verification',
      /every table of the copy is empty/,
    ],
    [
      'fails a question',
      dumpBytes({ ...dumped, tables: { ...dumped.tables, alembic_version: [] } }),
      'verification',
      /there is one migration level/,
    ],
    [
      'needs an extension',
      dumpBytes({ ...dumped, extensions: ['postgis'] }),
      'failed',
      /extensions of the dump not found in postgres:17-alpine: postgis/,
    ],
    ['is not there', null, 'preflight', /no backup/],
  ]
  it.each(dumps)('goes back where the dump %s', async (_, bytes, code, words) => {
    const world = withDump()
    if (bytes === null) world.disk.files.delete(dumpFile)
    else lay(world.disk, dumpFile, bytes)
    await refused(world, code, words)
  })

  it('refuses a dump that does not fit its checksum, and one that is too old', async () => {
    const world = withDump()
    lay(world.disk, `${dumpFile}.sha256`, `${sha256('other')}  brace_tg_20260203040000.dump\n`)
    await refused(world, 'verification', /checksum|sha256/i)
    const late = withDump()
    await late.clock.sleep(400_000_000)
    await refused(late, 'preflight', /at most 26\.0 h are allowed/)
  })

  it('creates a record that is missing, also with its folder', async () => {
    const world = withDump()
    world.disk.files.delete(record)
    world.disk.folders.delete(record.slice(0, record.lastIndexOf('/')))
    const dry = await machine(world).dryRun({})
    expect(dry.findings.filter(({ level }) => level === 'refuse')).toEqual([])
    expect(dry.code).toBe('succeeded')
    expect(world.disk.files.has(record)).toBe(false)
    expect((await machine(world).run({})).code).toBe('succeeded')
    expect(text(world, record)).toMatch(/^### Latest tested restore\n/m)
  })

  it('refuses in preflight a dump without the checksum that it needs', async () => {
    const world = withDump()
    world.disk.files.delete(`${dumpFile}.sha256`)
    const target = { ...braceDumps, backups: { ...braceDumps.backups!, checksums: 'required' as const } }
    const result = await machine(world, target).run({})
    expect(result).toMatchObject({ code: 'preflight', outcome: 'refused' })
    expect(JSON.stringify(result.findings)).toContain('no checksum for backup')
    expect(world.disk.files.has(checklist)).toBe(false)
  })

  it('refuses a record below a file, and a block that stands there twice', async () => {
    const below = withDump()
    below.disk.files.delete(record)
    const folder = record.slice(0, record.lastIndexOf('/'))
    below.disk.folders.delete(folder)
    lay(below.disk, folder, 'a file')
    await refused(below, 'preflight', /docs is a file, not a folder/)
    const twice = withDump()
    lay(twice.disk, record, `${documented}${documented}`)
    const result = await machine(twice).run({})
    expect(JSON.stringify(result)).toMatch(/more than once/)
    expect(text(twice, record)).toBe(`${documented}${documented}`)
    expect(twice.containers.containers.size).toBe(0)
  })

  it('writes beside the evidence where no record is configured', async () => {
    const world = withDump()
    const target = { ...braceDumps, restoreTest: { ...braceDumps.restoreTest!, record: null } }
    expect((await machine(world, target).run({})).code).toBe('succeeded')
    const [file] = [...world.disk.files.keys()].filter((path) => path.endsWith('/latest-tested-restore.md'))
    expect(text(world, file ?? '')).toMatch(/^### Latest tested restore\n- Date: /)
    expect(text(world, record)).toBe(documented)
  })

  it('tells what became of a server that ends, and waits for one that comes up late', async () => {
    const ended = withDump(dumped, {
      containers: noContainers(() => ({
        state: 'stopped',
        exitCode: 1,
        log: 'initdb: no space left on device',
      })),
    })
    await refused(ended, 'failed', /ended with exit code 1: initdb: no space left on device/)
    const silent = withDump(dumped, {
      containers: noContainers(() => ({ server: fakeServer({}, { reachable: false }) })),
    })
    await refused(silent, 'failed', /did not answer within 60 s/)
    const server = fakeServer({ postgres: {} }, { reachable: false, roles: new Set(['postgres']) })
    const slow = withDump(dumped, { containers: noContainers(() => ({ server })) })
    const sleep = slow.clock.sleep.bind(slow.clock)
    let waits = 0
    Object.assign(slow.clock, {
      sleep: async (...args: Parameters<typeof sleep>) => {
        waits += 1
        server.reachable = waits >= 3
        await sleep(...args)
      },
    })
    expect((await machine(slow).run({})).code).toBe('succeeded')
  })

  it('leaves the disk of what is live alone where there is little room', async () => {
    const world = withDump()
    world.disk.freeBytes = 1000
    await refused(world, 'failed', /the throwaway server has 1 MB free, and needs 1 MB \(8 times the dump\)/)
  })

  it('makes only roles that are missing', async () => {
    const world = withDump({ ...dumped, roles: ['postgres'] } satisfies FakeDump)
    expect((await machine(world).run({})).code).toBe('succeeded')
    expect(text(world, record)).toContain('no role was missing')
  })

  it('its plan reads as the procedure', () => {
    const told = planOf(book, braceDumps, {}).plan.steps.map(
      ({ title, says, phase }) => `${phase}: ${title}. ${says}`,
    )
    expect(told).toMatchInlineSnapshot(`
      [
        "reversible: Choose the dump. Compares ‹--dump› in /srv/brace/backups with its signed manifest or checksum, and reads the server version and the database name from its header.",
        "reversible: Start a throwaway Postgres of the dump's major version. Starts postgres:{major}-alpine in a container without network, and waits until it accepts connections.",
        "reversible: Read the complete dump. Decodes ‹after "Choose the dump"› to its last byte.",
        "reversible: Create the roles that the dump needs. Creates the roles that ‹after "Read the complete dump"› needs, without the right to log in.",
        "reversible: Restore the dump into the throwaway Postgres. Restores ‹after "Read the complete dump"› into an empty database of the throwaway server.",
        "reversible: Assert on the restored data. Counts the rows of every table in the copy, reads its migration revision, and checks the one configured assertion.",
        "committed: Drop the throwaway Postgres. Removes the throwaway server with its data.",
        "committed: Record the latest tested restore. Records the test in the block "Latest tested restore" of /srv/brace/docs/rollback.md.",
        "lastly: Log the result. Adds a line about this run to /artifacts/checklist.md.",
      ]
    `)
  })
})
