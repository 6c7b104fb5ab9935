import { describe, expect, it } from 'vitest'
import type { PostgresDatabase } from '../../src/drivers/databases.ts'
import type { Leftover } from '../../src/drivers/leftover.ts'
import type { Json, JsonObject } from '../../src/kernel/json.ts'
import { planOf } from '../../src/model/plan.ts'
import { runbook, type Runbook } from '../../src/model/runbook.ts'
import { defineStep, type Io } from '../../src/model/step.ts'
import type { Target } from '../../src/model/target.ts'
import { resume } from '../../src/run/resume.ts'
import { Killed, fakeMachine, fakeWorld } from '../../src/testing/index.ts'
import { target as bare } from '../model/bare.ts'

const database: PostgresDatabase = {
  engine: 'postgres',
  name: 'shop',
  user: 'postgres',
  via: { kind: 'server', host: 'db', port: 5432, password: null },
  confirmPhrase: 'shop',
  fingerprint: 'rows',
}
const target = { ...bare, database } as unknown as Target

type Part = {
  readonly kind: string
  readonly leaves?: readonly Leftover[]
  readonly run?: (io: Io) => Promise<Json>
  readonly undo?: (io: Io) => Promise<unknown>
}

/** A team's own step, which is given a database. */
function bookWith({ kind, leaves, run = async () => null, undo = async () => null }: Part): Runbook {
  const step = defineStep<JsonObject, Json, null>({
    kind,
    version: 1,
    effect: 'change',
    ...(leaves === undefined ? {} : { leaves }),
    describe: () => 'Does it.',
    survey: async () => null,
    run: async (io) => {
      await io.files.write('/began', new Uint8Array())
      return run(io)
    },
    probe: async (look) =>
      (await look.files.stat('/began')) === null ? { is: 'absent' } : { is: 'done', output: null },
    undo: async (io) => {
      await undo(io)
      await io.files.removeTree('/began')
    },
  })
  return runbook('own', { title: 'Own', when: 'Never.', needs: [], params: {} }, ({ step: add }) => {
    add('Do it', step({ database: database as unknown as JsonObject }))
  })
}

function machineWith(part: Part) {
  const world = fakeWorld()
  return { world, machine: fakeMachine(world, { book: bookWith(part), target }) }
}

const session = { what: 'session', id: 'db 42', step: 'do-it' } as const

describe.each(['resume', 'rollback'] as const)('before a %s', (way) => {
  it.each(['host', 'services', 'http', 'records', 'access'])(
    'the session of a killed step %s.replay is looked for and ended',
    async (family) => {
      const { world, machine } = machineWith({ kind: `${family}.replay` })
      world.faults.order('files.write done', 'kill')
      await expect(machine.run()).rejects.toThrow(Killed)
      const run = machine.entries[0]?.run ?? ''
      world.leftovers.living.set(run, [session])
      await machine[way]()
      expect(world.leftovers.living.get(run)).toEqual([])
      expect(machine.entries.find(({ entry }) => entry.type === 'resumed')?.entry).toMatchObject({
        orphans: [session],
      })
    },
  )

  it('a place is not asked where the step declares that it leaves nothing there', async () => {
    const { world, machine } = machineWith({ kind: 'team.replay', leaves: ['processes'] })
    world.faults.order('files.write done', 'kill')
    await expect(machine.run()).rejects.toThrow(Killed)
    const run = machine.entries[0]?.run ?? ''
    world.leftovers.living.set(run, [session])
    await machine[way]()
    expect(world.leftovers.living.get(run)).toEqual([session])
  })
})

it.each([
  ['ended', []],
  ['left where it does not end, which keeps nobody from sealing', [session]],
])('a leftover of a run that only has to be sealed is %s', async (_, left) => {
  const { world, machine } = machineWith({ kind: 'team.replay' })
  world.faults.order('journal.append settled done', 'kill')
  await expect(machine.run()).rejects.toThrow(Killed)
  const run = machine.entries[0]?.run ?? ''
  world.leftovers.living.set(run, [session])
  for (const { id } of left) world.leftovers.undying.add(id)
  expect(await machine.resume()).toMatchObject({ code: 'succeeded' })
  expect(world.leftovers.living.get(run)).toEqual(left)
  expect(machine.entries.at(-1)?.entry.type).toBe('sealed')
})

describe('a step that calls what can leave more than it declares', () => {
  const drop = (io: Io): Promise<null> => io.databases.drop(database, 'copy').then(() => null)
  const said =
    /"Do it" \(do-it, team\.replay\) calls databases\.drop, which can leave sessions behind, and does not declare it/

  it('fails on the in-memory world, and says what to declare', async () => {
    const { machine } = machineWith({ kind: 'team.replay', leaves: ['processes', 'containers'], run: drop })
    await expect(machine.run()).rejects.toMatchObject({
      message: expect.stringMatching(said) as string,
      hint: expect.stringContaining("leaves: ['processes', 'containers', 'sessions']") as string,
    })
  })

  it('fails though it swallows what the driver throws', async () => {
    const { machine } = machineWith({
      kind: 'team.replay',
      leaves: ['processes', 'containers'],
      run: (io) => drop(io).catch(() => null),
    })
    await expect(machine.run()).rejects.toThrow(said)
  })

  it.each<[string, readonly Leftover[] | undefined]>([
    ['it declares all of it', ['processes', 'containers', 'sessions']],
    ['it declares nothing, which is everywhere', undefined],
  ])('goes on where %s', async (_, leaves) => {
    const { machine } = machineWith({
      kind: 'team.replay',
      ...(leaves === undefined ? {} : { leaves }),
      run: drop,
    })
    expect(await machine.run()).toMatchObject({ outcome: 'succeeded' })
  })
})

describe('a step whose accepted code leaves more than its plan declares', () => {
  const today = bookWith({
    kind: 'team.replay',
    leaves: ['processes', 'sessions', 'containers'],
    undo: (io) => io.databases.drop(database, 'copy'),
  })

  it('may use it, and what it left is looked for from then on', async () => {
    const { world, machine } = machineWith({ kind: 'team.replay', leaves: ['processes'] })
    world.faults.order('files.write done', 'kill')
    await expect(machine.run()).rejects.toThrow(Killed)
    const run = machine.entries[0]?.run ?? ''
    const rollback = () =>
      resume(machine.reboot(), { run, way: 'back', planned: planOf(today, target, {}), accepted: 'it' })
    world.faults.order('files.removeTree', 'kill')
    await expect(rollback()).rejects.toThrow(Killed)
    world.leftovers.living.set(run, [session])
    expect(await rollback()).toMatchObject({ code: 'succeeded', outcome: 'rolled-back' })
    expect(world.leftovers.living.get(run)).toEqual([])
  })
})
