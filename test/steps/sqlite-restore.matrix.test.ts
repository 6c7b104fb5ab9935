import { describe, expect, it } from 'vitest'
import restore from '../../runbooks/sqlite-restore.ts'
import { sha256 } from '../../src/kernel/json.ts'
import { planOf } from '../../src/model/plan.ts'
import type { Result } from '../../src/run/engine/ending.ts'
import { lay, layInVolume, fakeMachine, type FakeWorld } from '../../src/testing/index.ts'
import { provesItself, type Procedure } from '../fixtures/matrix.ts'
import { checklist, file, good, owned, sqliteDump, target, world } from './fake-volume.ts'

function restored(at: FakeWorld, { run }: Result, owner: object): void {
  const files = at.volumes.get('api') ?? new Map()
  expect(files.get(file)).toMatchObject({ ...owner, kind: 'file' })
  expect(sha256(files.get(file)?.body ?? '')).toBe(sha256(good))
  expect([...files.keys()].filter((path) => path.startsWith(`${file}`))).toEqual([file])
  expect(at.fleet.services.get('api')?.instance?.state).toBe('running')
  expect([...at.disk.folders].filter((path) => path.startsWith('/backups/staging/'))).toEqual([])
  expect(Buffer.from(at.disk.files.get(checklist) ?? []).toString()).toContain(`| ${run} |`)
}

const kept = (at: FakeWorld): readonly string[] =>
  [...at.disk.files.keys()]
    .filter((path) => path.startsWith('/backups/kept/'))
    .map((path) => path.replace(/.*\.db/, ''))

const procedures: readonly Procedure[] = (['encrypted', 'compressed', 'lost'] as const).map((as) => ({
  name: `sqlite-restore, ${as}`,
  book: restore,
  target,
  params: {},
  records: [checklist],
  world: () => world(as),
  // Where no database is there any more, the volume alone is dealt with otherwise.
  ...(as === 'lost' ? { troubled: /^volumes\./ } : {}),
  succeeded: (at, result) => {
    restored(at, result, as === 'lost' ? { uid: 1000, gid: 1000, mode: 0o600 } : owned)
    expect(kept(at)).toEqual(as === 'lost' ? [] : ['', '-wal'])
  },
}))

procedures.forEach(provesItself)

it.each([
  [3600, 'MISSED'],
  [30 * 86_400, 'met'],
])(
  'shows the age of the backup against an objective of %d s, in dry run and approval',
  async (rpoSeconds, judged) => {
    const at = world('plain')
    const of = { ...target, objectives: { rtoSeconds: null, rpoSeconds } }
    const shown = expect.stringMatching(new RegExp(`\\(RPO objective \\w+: ${judged}\\)$`)) as string
    const dry = fakeMachine(at, { book: restore, target: of })
    await dry.dryRun({})
    const seen = dry.entries.flatMap(({ entry }) =>
      entry.type === 'foretold' && entry.step === 'locate-the-backup' ? entry.notes : [],
    )
    expect(JSON.stringify(seen)).toContain(`: ${judged})`)
    const machine = fakeMachine(at, { book: restore, target: of })
    await machine.run({})
    const [asked] = machine.entries.flatMap(({ entry }) =>
      entry.type === 'intent' && entry.step === 'ask-the-operator' ? [entry.input['showing']] : [],
    )
    expect(asked).toMatchObject({ age: shown })
  },
)

describe('sqlite-restore refuses before anything is touched', () => {
  const refused = async (prepare: (at: FakeWorld) => void, words: RegExp, params = {}): Promise<void> => {
    const at = world('plain')
    prepare(at)
    const before = at.state()
    const machine = fakeMachine(at, { book: restore, target })
    const result = await machine.run(params).catch((thrown: unknown) => ({ outcome: 'refused', thrown }))
    expect(
      JSON.stringify([result, machine.events, String((result as { thrown?: unknown }).thrown ?? '')]),
    ).toMatch(words)
    expect(result.outcome).not.toBe('succeeded')
    expect(at.volumes.get('api')).toEqual(world('plain').volumes.get('api'))
    expect(at.fleet.services.get('api')?.instance?.state).toBe(
      (before['services'] as { api: { state: string } }).api.state,
    )
  }
  const damaged = (body: Uint8Array) => (at: FakeWorld) =>
    lay(at.disk, '/backups/contextsafe-20260203-020000.db', body)

  it('a folder without backups', () => refused((at) => at.disk.files.clear(), /no backup/))
  it('a backup that is missing', () =>
    refused(() => undefined, /nothing\.db/, { backup: '/backups/nothing.db' }))
  it('a backup that is cut off', () =>
    refused(damaged(good.subarray(0, good.length / 2)), /truncated|damaged/))
  it('a backup that is no database', () =>
    refused(damaged(Buffer.from('hello, this is no database')), /is not a dump/))
  it.each([
    { as: { wrapped: ['gzip'] as const, format: 'plain' as const }, words: /it is SQL.*sqlite3 / },
    { as: { format: 'plain' as const }, words: /it is SQL.*sqlite3 / },
  ])('a backup that is no database file: $as', ({ as, words }) =>
    refused(damaged(sqliteDump({ tables: { projects: [{ id: 1 }] }, ...as })), words),
  )
  it('a backup without one project', () =>
    refused(damaged(sqliteDump({ tables: { projects: [], other: [{ id: 1 }] } })), /there are projects/))
  it('T.1: a container that is gone', async () => {
    const at = world('plain')
    const api = at.fleet.services.get('api')
    if (api !== undefined) api.instance = null
    const result = await fakeMachine(at, { book: restore, target })
      .run()
      .catch((thrown: unknown) => String(thrown))
    expect(JSON.stringify(result)).toMatch(/no container/)
    expect(api?.instance).toBeNull()
  })
})

describe('sqlite-restore unpacks a compressed backup', () => {
  const packed = '/backups/contextsafe-20260203-020000.db.gz'
  const unpacked = (at: FakeWorld): string | undefined =>
    [...at.disk.files.keys()].find((path) => path.includes('/unpacked-'))

  it('says in a dry run what that takes', async () => {
    const at = world('compressed')
    const machine = fakeMachine(at, { book: restore, target })
    await machine.dryRun({})
    const told = machine.entries.flatMap(({ entry }) =>
      entry.type === 'foretold' && entry.step === 'unpack-the-backup' ? [entry.prediction] : [],
    )
    const { length } = at.disk.files.get(packed) ?? []
    expect(JSON.stringify(told)).toMatch(
      new RegExp(`an unpacked copy /backups/staging/.*/unpacked-.*\\.db of ${length} bytes \\(gzip\\)`),
    )
  })

  it('refuses where staging has no room for what is in it', async () => {
    const at = world('compressed')
    at.disk.freeBytes = (at.disk.files.get(packed)?.length ?? 0) - 1
    const machine = fakeMachine(at, { book: restore, target })
    expect(JSON.stringify(await machine.run({}).catch((thrown: unknown) => String(thrown)))).toMatch(
      /not enough space in/,
    )
  })

  it('refuses the unpacked copy where it was changed after that', async () => {
    const at = world('compressed')
    const machine = fakeMachine(at, { book: restore, target })
    at.faults.order('databases.inspect', 'kill')
    await machine.run({}).catch(() => 'killed')
    lay(at.disk, unpacked(at) ?? '', sqliteDump({ tables: { projects: [{ id: 7 }] } }))
    expect(await machine.resume()).toMatchObject({
      outcome: 'rolled-back',
      failure: {
        message: expect.stringMatching(/was changed since this run verified or unpacked it/) as string,
      },
    })
    expect(at.volumes).toEqual(world('compressed').volumes)
  })
})

it('refuses a backup that was replaced after it was verified', async () => {
  const at = world('plain')
  const machine = fakeMachine(at, { book: restore, target })
  at.faults.order('files.makeFolder', 'kill')
  await machine.run({}).catch(() => 'killed')
  lay(
    at.disk,
    '/backups/contextsafe-20260203-020000.db',
    sqliteDump({ tables: { projects: [{ id: 7 }, { id: 8 }] } }),
  )
  expect(await machine.resume()).toMatchObject({
    outcome: 'rolled-back',
    failure: {
      message: expect.stringMatching(/was changed since this run verified or unpacked it/) as string,
    },
  })
  expect(at.volumes).toEqual(world('plain').volumes)
})

it('T.8: goes back from the copy that it made before midnight, whatever the day is by then', async () => {
  const at = world('plain')
  const machine = fakeMachine(at, { book: restore, target })
  const before = at.state()
  // As the procedure names its copy, and looks for it again.
  const named = (): string =>
    `/tmp/contextsafe-current-${at.clock.now().toISOString().slice(0, 10).replaceAll('-', '')}.db`
  const copied = named()
  at.faults.order('services.start', 'kill')
  await machine.run().catch(() => 'killed')
  expect(kept(at)).toEqual(['', '-wal'])
  at.clock.pass(86_400_000)
  expect(named()).not.toBe(copied)
  expect(await machine.rollback()).toMatchObject({ outcome: 'rolled-back' })
  expect(at.volumes).toEqual(world('plain').volumes)
  expect({ ...at.state(), files: null }).toEqual({ ...before, files: null })
  expect(kept(at)).toEqual([])
})

it('stops no service where the volume is another one by then', async () => {
  const at = world('plain')
  const machine = fakeMachine(at, { book: restore, target })
  at.faults.order('http.get', 'kill', 3)
  await expect(machine.run()).rejects.toMatchObject({ name: 'Killed' })
  expect(at.fleet.services.get('api')?.instance?.state).toBe('running')
  at.volumes.set('api', new Map())
  layInVolume(at.volumes, 'api', file, 'of another', owned)
  expect(await machine.rollback()).toMatchObject({
    code: 'in-doubt',
    failure: { message: expect.stringMatching(/is not the old file, .* nothing was undone$/) as string },
  })
  expect(at.fleet.services.get('api')?.instance?.state).toBe('running')
  expect(machine.entries.filter(({ entry }) => entry.type === 'undo-intent')).toEqual([])
})

it('the plan tells the levels of escalation, and whom to call', () => {
  const says = planOf(restore, target, {}).plan.steps.find(
    ({ title }) => title === 'Print the escalation path',
  )?.says
  expect(says).toMatch(/\(1\) this \(2\) data is lost Contacts: dba: by telephone\./)
})

it('a manifest of the backup must be of a SQLite database', () => {
  const verify = planOf(restore, target, {}).plan.steps.find(({ kind }) => kind === 'backups.verify')
  expect(verify?.input).toMatchObject({ kind: 'sqlite' })
})

it('the plan reads as the document does', () => {
  expect(planOf(restore, target, {}).plan.steps.map(({ title, phase }) => `${phase}: ${title}`))
    .toMatchInlineSnapshot(`
    [
      "reversible: Choose and verify the backup",
      "reversible: Create a staging folder",
      "reversible: Decrypt the backup",
      "reversible: Unpack the backup",
      "reversible: Check backup integrity",
      "reversible: Compare the backup with the running database",
      "reversible: Ask the operator",
      "reversible: Document the reason",
      "reversible: Notify stakeholders",
      "reversible: Stop incoming traffic",
      "reversible: Stop writers",
      "reversible: Back up the live database",
      "reversible: Compare the backup with the live database",
      "reversible: Swap the restored database in",
      "reversible: Start writers",
      "reversible: Check health",
      "reversible: Check business data",
      "committed: Remove the old file from the volume",
      "committed: Restore traffic",
      "committed: Investigate the root cause",
      "lastly: Clean up staging",
      "lastly: Print the escalation path",
      "lastly: Log the result",
    ]
  `)
})
