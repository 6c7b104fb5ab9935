import { describe, expect, it } from 'vitest'
import rollback from '../../runbooks/full-db-rollback.ts'
import spot from '../../runbooks/monthly-spot-restore.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import { planOf } from '../../src/model/plan.ts'
import type { Runbook } from '../../src/model/runbook.ts'
import type { Result } from '../../src/run/ending.ts'
import { stateOf } from '../../src/run/state.ts'
import { Killed, memoryMachine, type MemoryMachine, type MemoryWorld } from '../../src/testing/index.ts'
import { badOrders, damagedShop, goodOrders, shop } from './pretended-shop.ts'

const procedures = [
  { name: 'full-db-rollback beside', book: rollback, params: { strategy: 'beside' } },
  { name: 'full-db-rollback in place', book: rollback, params: { strategy: 'in-place' } },
  { name: 'monthly-spot-restore', book: spot, params: {} },
] as const
type Procedure = (typeof procedures)[number]

type Scene = { readonly world: MemoryWorld; readonly machine: MemoryMachine; readonly params: JsonObject }

function scene({ book, params }: Procedure): Scene {
  const world = damagedShop()
  return { world, machine: memoryMachine(world, { book, target: shop }), params }
}

/** The log of results is written whatever happens, and is no part of what a rollback brings back. */
function stateOfWorld(world: MemoryWorld): JsonObject {
  const { files, ...rest } = world.state() as { readonly files: JsonObject }
  return { ...rest, files: Object.fromEntries(Object.entries(files).filter(([path]) => path !== shop.checklist?.file)) }
}

/** As above, and dumps count by their names: they state when they were taken. */
function outlineOf(world: MemoryWorld): JsonObject {
  const { files, ...rest } = stateOfWorld(world)
  return { ...rest, files: Object.keys(files as JsonObject) }
}

async function undisturbed(procedure: Procedure): Promise<{ readonly moments: readonly string[]; readonly outline: JsonObject }> {
  const { world, machine, params } = scene(procedure)
  expect((await machine.run(params)).code).toBe('succeeded')
  return { moments: world.faults.reached, outline: outlineOf(world) }
}

const pivoted = (machine: MemoryMachine): boolean => stateOf(machine.entries).pivoted
const turned = (machine: MemoryMachine): boolean => stateOf(machine.entries).way === 'back'

/** Takes the run up until it is settled for good and sealed; returns how. */
async function settled(machine: MemoryMachine, way: 'resume' | 'rollback'): Promise<string> {
  for (let tries = 0; tries < 3; tries += 1) {
    const { settled: last, sealed } = stateOf(machine.entries)
    if (last !== null && last.outcome !== 'needs-human' && sealed) return last.outcome
    const back = turned(machine) || (way === 'rollback' && !pivoted(machine) && last?.outcome !== 'succeeded' && last?.outcome !== 'rolled-back')
    if (back && (last === null || last.outcome === 'needs-human')) await machine.rollback()
    else await machine.resume()
  }
  const { settled: last } = stateOf(machine.entries)
  return last?.outcome ?? 'open'
}

function check({ world }: Scene, outcome: string, before: JsonObject, after: JsonObject, where: string): void {
  if (outcome === 'succeeded') expect(outlineOf(world), where).toEqual(after)
  else {
    expect(['rolled-back', 'refused'], where).toContain(outcome)
    expect(stateOfWorld(world), where).toEqual(before)
  }
}

/** The n-th time that a moment is reached, for each moment of a run. */
const occasions = (moments: readonly string[]): readonly { readonly moment: string; readonly time: number }[] =>
  moments.map((moment, index) => ({ moment, time: moments.slice(0, index + 1).filter((one) => one === moment).length }))

async function endingOf(run: () => Promise<Result>): Promise<Result | 'killed'> {
  try {
    return await run()
  } catch (thrown) {
    if (thrown instanceof Killed) return 'killed'
    throw thrown
  }
}

describe.each(procedures)('$name on a pretended world', (procedure) => {
  it('is carried through, and says so', async () => {
    const { world, machine, params } = scene(procedure)
    const result = await machine.run(params)
    expect(result).toMatchObject({ code: 'succeeded', outcome: 'succeeded', failure: null, doubt: null })
    const told = Buffer.from(world.disk.files.get('/artifacts/checklist.md') ?? []).toString()
    expect(told.split('\n').filter((line) => line.includes(result.run))).toHaveLength(1)
    expect(told).toContain('| succeeded |')
    if (procedure.book === rollback) {
      expect(world.server.databases.get('shop')?.tables).toEqual({ orders: goodOrders })
      expect([...world.fleet.services.values()].filter(({ instance }) => instance?.state === 'running')).toHaveLength(3)
      const kept = [...world.disk.files.keys()].filter((path) => path.startsWith('/backups/kept/'))
      expect(kept).toHaveLength(1)
    } else {
      expect(world.disk.folders.has('/srv/staging')).toBe(true)
      expect([...world.disk.files.keys()].filter((path) => path.startsWith('/srv/staging/'))).toEqual([])
      expect(world.server.databases.get('shop')?.tables).toEqual({ orders: badOrders })
    }
  })

  it('changes nothing in a dry run, and foretells every step of the branch that is taken', async () => {
    const { world, machine, params } = scene(procedure)
    const before = world.state()
    expect(await machine.dryRun(params)).toMatchObject({ code: 'succeeded', outcome: 'foretold', findings: [] })
    expect(world.state()).toEqual(before)
    const acting = new Set(['services.stop', 'services.start', 'services.runOneOff', 'databases.swap', 'databases.restoreBeside', 'databases.dump', 'databases.restoreInPlace', 'databases.drop', 'files.write', 'files.append', 'files.makeFolder', 'files.removeTree', 'archives.extract', 'archives.decrypt', 'commands.run', 'people.ask', 'secrets.reveal'])
    expect(world.faults.reached.filter((moment) => acting.has(moment))).toEqual([])
    const told = machine.entries.flatMap(({ entry }) => ('step' in entry ? [entry.step] : []))
    const planned = machine.entries.flatMap(({ entry }) => (entry.type === 'opened' ? entry.plan.steps.map(({ id }) => id) : []))
    expect(new Set(told)).toEqual(new Set(planned))
  })

  it('names the dry run that foretold it', async () => {
    const { machine, params } = scene(procedure)
    const { run } = await machine.dryRun(params)
    await machine.run(params)
    expect(machine.entries[0]?.entry).toMatchObject({ type: 'opened', mode: 'run', foretoldBy: run })
  })

  it('goes back to where it was, or on, whichever moment fails', { timeout: 90_000 }, async () => {
    const { moments, outline } = await undisturbed(procedure)
    let went = 0
    for (const { moment, time } of occasions(moments)) {
      const here = scene(procedure)
      const before = stateOfWorld(here.world)
      here.world.faults.order(moment, 'fail', time)
      const where = `${moment}, ${time}. time`
      const result = await endingOf(() => here.machine.run(here.params)).catch((thrown: unknown) => String(thrown))
      if (here.machine.entries.length === 0) continue
      went += 1
      const outcome = typeof result === 'object' ? result.outcome : 'open'
      if (outcome === 'succeeded' || outcome === 'rolled-back' || outcome === 'refused') check(here, outcome, before, outline, where)
      else check(here, await settled(here.machine, 'resume'), before, outline, where)
    }
    expect(went).toBeGreaterThan(100)
  })

  it.each(['resume', 'rollback'] as const)('ends settled when it is killed at any moment and then: %s', { timeout: 90_000 }, async (way) => {
    const { moments, outline } = await undisturbed(procedure)
    for (let at = 1; at <= moments.length; at += 1) {
      const here = scene(procedure)
      const before = stateOfWorld(here.world)
      here.world.faults.killAfter(at)
      const where = `killed at ${moments[at - 1]}, moment ${at}`
      expect(await endingOf(() => here.machine.run(here.params)), where).toBe('killed')
      if (here.machine.entries.length === 0) continue
      check(here, await settled(here.machine, way), before, outline, where)
    }
  })

  it('survives a second kill while it is taken up', async () => {
    const { moments, outline } = await undisturbed(procedure)
    let cases = 0
    for (let at = 7; at <= moments.length; at += 23) {
      for (let again = 3; again < 200; again += 11) {
        const here = scene(procedure)
        const before = stateOfWorld(here.world)
        here.world.faults.killAfter(at)
        await endingOf(() => here.machine.run(here.params))
        if (here.machine.entries.length === 0) break
        const way = (at + again) % 2 === 0 && !pivoted(here.machine) ? 'rollback' : 'resume'
        const ended = await endingOf(() => {
          const taken = way === 'rollback' ? here.machine.rollback() : here.machine.resume()
          here.world.faults.killAfter(again)
          return taken
        }).catch(() => 'refused')
        cases += 1
        check(here, await settled(here.machine, way), before, outline, `killed at ${at} and ${again}`)
        if (ended !== 'killed') break
      }
    }
    expect(cases).toBeGreaterThan(25)
  })

  it('meets its time-outs where a driver hangs', async () => {
    const { moments, outline } = await undisturbed(procedure)
    const acting = occasions(moments).filter(({ moment }) => /^(?!journal|evidence)/.test(moment) && !/ done$| [a-z]+$/.test(moment))
    for (const { moment, time } of acting) {
      const here = scene(procedure)
      const before = stateOfWorld(here.world)
      here.world.faults.order(moment, 'hang', time)
      const result = await here.machine.run(here.params)
      if (result.outcome === 'needs-human' || result.outcome === 'open') check(here, await settled(here.machine, 'resume'), before, outline, `${moment}, ${time}. time`)
      else check(here, result.outcome, before, outline, `${moment}, ${time}. time`)
    }
    expect(acting.length).toBeGreaterThan(25)
  })
})

it.each(procedures)('the plan of $name needs no driver', ({ book, params }) => {
  expect(planOf(book, shop, params).plan.digest).toBe(planOf(book, shop, { ...params }).plan.digest)
})

const procedure = (book: Runbook): readonly string[] =>
  planOf(book, shop, {}).plan.steps.map(({ title, says, phase, only }) => `${phase}${only.map(({ is }) => ` (${is})`).join('')}: ${title}. ${says}`)

it('the plan of a rollback reads as a procedure', () => {
  expect(procedure(rollback)).toMatchInlineSnapshot(`
    [
      "reversible: Choose and verify the dump. Reads ‹--dump› from /backups/db to its last byte, and compares it with its checksum.",
      "reversible: Check that server, tools and dump fit. Compares the versions of server, tools and dump for shop, and looks for the roles and extensions that the dump needs.",
      "reversible: Ask the operator. Asks the operator to type "restore shop on pretended".",
      "reversible (beside): Restore beside the live database. Restores the dump ‹after "Choose and verify the dump"› beside shop, which goes on serving.",
      "reversible (beside): Assert on the copy. Counts the rows of every table in the copy, reads its migration revision, and asks it the one question of the configuration.",
      "reversible (beside): Stop writers. Stops web and worker and sees that they are stopped.",
      "reversible (beside): Swap the restored database in. Makes the copy ‹after "Assert on the copy"› the live shop by exchanging names; the old one stays under another name.",
      "reversible (in-place): Stop writers for the restore in place. Stops web and worker and sees that they are stopped.",
      "reversible (in-place): Dump production as it stands. Dumps shop into /backups/kept, named before-rollback, and reads the dump back.",
      "reversible (in-place): Restore the dump in place. Replaces the data of shop by ‹after "Choose and verify the dump"› in one transaction.",
      "reversible (in-place): Assert on the restored data. Counts the rows of every table in the copy, reads its migration revision, and asks it the one question of the configuration.",
      "reversible: Start writers. Starts web and worker, building nothing.",
      "reversible: Check health. Waits until http://shop/health answers 200, 2 times in a row, for at most 60 s.",
      "reversible: Run smoke tests. Runs smoke once and takes its exit code.",
      "committed (beside): Dump the old database, now that the service is back. Dumps ‹after "Swap the restored database in"› into /backups/kept, named replaced, and reads the dump back.",
      "lastly: Log the result. Adds a line about this run to /artifacts/checklist.md.",
    ]
  `)
})

it('the plan of a spot restore reads as a procedure', () => {
  expect(procedure(spot)).toMatchInlineSnapshot(`
    [
      "reversible: Choose and verify the release bundle. Reads ‹--bundle› from /backups/releases and compares it with its checksum.",
      "reversible: Choose and verify the data archive. Reads ‹--archive› from /backups/data and compares it with its checksum.",
      "reversible: Make a staging folder. Makes an empty folder of this run under /srv/staging.",
      "reversible: Extract the release bundle. Unpacks ‹after "Choose and verify the release bundle"› into staging as bundle, refusing links, devices and paths that lead outside.",
      "reversible: Extract the data archive. Unpacks ‹after "Choose and verify the data archive"› into staging as data, refusing links, devices and paths that lead outside.",
      "reversible: Install production dependencies. Runs "npm ci" in ‹after "Extract the release bundle"›.",
      "reversible: Start the release with its dry-run switch. Runs "node server.js --dry-run" in ‹after "Extract the release bundle"›.",
      "reversible: Spot-check key files. Looks at config.json and shop.db: there, parseable, and saying what they should.",
      "lastly: Empty staging. Removes this run's folder under /srv/staging.",
      "lastly: Log the result. Adds a line about this run to /artifacts/checklist.md.",
    ]
  `)
})
