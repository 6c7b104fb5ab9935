import type { Drivers } from '../drivers/drivers.ts'
import type { Scope } from '../drivers/scope.ts'
import type { RunbookError } from '../kernel/errors.ts'
import type { Json, JsonObject } from '../kernel/json.ts'
import type { Secret } from '../kernel/secret.ts'
import { canonical } from '../kernel/json.ts'
import { planOf, type Plan, type Planned } from '../model/plan.ts'
import type { Runbook } from '../model/runbook.ts'
import type { Target } from '../model/target.ts'
import { startRun, type Runtime } from '../run/start.ts'
import type { Result } from '../run/engine/ending.ts'
import type { Stored } from '../run/journal/entry.ts'
import type { Evidence } from '../run/journal/evidence.ts'
import { evidenceFolder } from '../run/record/evidence-folder.ts'
import type { RunEvent } from '../run/journal/events.ts'
import { orphanScope, placesOf } from '../run/engine/orphan-scope.ts'
import { recordOf } from '../run/record/record.ts'
import { replan } from '../run/replan.ts'
import { resume } from '../run/resume.ts'
import { newsOf, turningNewsOf } from '../run/record/news.ts'
import { runStatusOf } from '../run/record/run-status.ts'
import { stateOf } from '../run/journal/state.ts'
import { StopButton } from '../run/engine/stop.ts'
import { plainConductor } from './conductor.ts'
import { FakeEvidence } from './evidence.ts'
import { Killed } from './faults.ts'
import { fakeLocks } from './locks.ts'
import { emptyJournal, fakeJournal, type KeptJournal } from './journal.ts'
import { fakeSecrets } from './secrets.ts'
import { refusingUndeclared } from './undeclared.ts'
import type { FakeWorld } from './world.ts'

/** Where a machine's evidence is, and beside it the records that a run leaves whatever happens. */
export const recordsFolder = '/artifacts'

/** A machine that runs the engine on a fake world. Its journal and evidence outlive its processes. */
export interface FakeMachine {
  readonly world: FakeWorld
  readonly journal: KeptJournal
  readonly evidence: FakeEvidence
  /** All events for a screen, from all processes. */
  readonly events: readonly RunEvent[]
  /** The stop button of the current process. Call `ask` from a step or a listener to stop the run. */
  readonly stop: StopButton
  /** @throws RunbookError `usage` if it is settled and a fault that the test ordered never fired */
  run(params?: JsonObject): Promise<Result>
  dryRun(params?: JsonObject): Promise<Result>
  /**
   * Kills the current process and starts another one.
   * @returns the runtime of the new process
   */
  reboot(): Runtime
  /** Resumes the newest run in a new process. */
  resume(): Promise<Result>
  rollback(): Promise<Result>
  /** Journal entries of the newest run. */
  readonly entries: readonly Stored[]
}

export type Carried = {
  readonly book: Runbook
  readonly target: Target
  /** A state folder to share with another machine. */
  readonly journal?: KeptJournal
  /** Parts of the runtime to override. */
  readonly around?: Partial<Runtime>
}

/**
 * Runs a runbook on a fake world with the real engine. A run that `world.faults` kills rejects with `Killed`;
 * `resume` and `rollback` then continue it in a new process, as `runbook resume` does.
 * @throws RunbookError `usage`, from a run, where a step calls a driver that can leave something in a place
 * that its `leaves` does not declare
 */
export function fakeMachine(
  world: FakeWorld,
  { book, target, journal = emptyJournal(), around = {} }: Carried,
): FakeMachine {
  const { faults, clock } = world
  journal.beforeAppend = (_, { type }) => faults.pass(`journal.append ${type}`)
  journal.afterAppend = ({ entry: { type } }) => faults.pass(`journal.append ${type} done`)
  const evidence = new FakeEvidence()
  const faulty: Evidence = {
    async open(path) {
      const folder = await evidence.open(path)
      return {
        ...folder,
        async seal(files) {
          faults.pass('evidence.seal')
          const digest = await folder.seal(files)
          faults.pass('evidence.seal done')
          return digest
        },
      }
    },
  }
  const events: RunEvent[] = []
  let stop = new StopButton()
  let process = fakeJournal(journal, clock)
  let locks = fakeLocks(world.locks)
  let names = 0
  const refusals: RunbookError[] = []
  const driversFor = (scope: Scope): Drivers => {
    const drivers = world.drivers(scope, (run) => orphanScope(entriesOf(run)))
    const entries = entriesOf(scope.run)
    const opened = entries[0]?.entry
    const steps = opened?.type === 'opened' ? opened.plan.steps : []
    const step = steps.find(({ id }) => id === scope.step)
    if (step === undefined) return drivers
    // What a look ahead starts is never resumed: no child of it is journaled.
    const declared = [...placesOf(step, entries), ...(scope.ahead === true ? (['processes'] as const) : [])]
    return refusingUndeclared(drivers, step, declared, (refusal) => refusals.push(refusal))
  }
  const runtime = (): Runtime => ({
    journal: process,
    evidence: faulty,
    conductor: plainConductor,
    clock,
    stop,
    mask: world.redactor,
    randomness: { bytes: (count) => new Uint8Array(count).fill(journal.entries.length + (names += 1)) },
    listener: (event) => events.push(event),
    drivers: driversFor,
    locks,
    identity: { by: world.person.name, host: 'pretended', pid: 1, startTime: null, bootId: null },
    engine: 'pretended',
    folderOf: (run, { story, mode, planned }, startedAt) =>
      evidenceFolder({
        artifacts: recordsFolder,
        story,
        startedAt,
        runbook: planned.plan.runbook,
        run,
        mode,
      }),
    filesOf: (entries) => [{ name: 'run.json', body: canonical(recordOf(entries)) }],
    statusOf: runStatusOf,
    newsOf,
    turningNewsOf,
    registerSecrets: async (handles) => {
      const register = (secret: Secret): void => world.redactor.add(secret)
      const environment = Object.fromEntries(world.environment)
      const secrets = fakeSecrets({ environment, disk: world.disk, register })
      const read = handles.map(async (handle) =>
        (await secrets.available(handle)) ? [(await secrets.reveal(handle)).name] : [],
      )
      return [...new Set((await Promise.all(read)).flat())].sort()
    },
    ...around,
  })
  // The answer of a dead process reaches no caller.
  const heard = async (ending: Promise<Result>): Promise<Result> => {
    const result = await ending
    const [refusal] = refusals
    if (refusal !== undefined) throw refusal
    if (faults.dead) throw new Killed('killed at its end')
    // A run that is not settled may be taken up, and meet its faults then.
    if (result.outcome !== 'open' && result.outcome !== 'needs-human') faults.checkFired()
    return result
  }
  const start =
    (mode: 'run' | 'dry-run') =>
    (params: JsonObject = {}): Promise<Result> =>
      heard(
        startRun(runtime(), {
          planned: plannedOnce(book, target, defaulted(book, params)),
          mode,
          story: null,
          reason: null,
        }),
      )
  const newest = (): string => journal.entries.at(-1)?.run ?? 'none'
  const entriesOf = (run: string): readonly Stored[] => journal.entries.filter((stored) => stored.run === run)
  const reboot = (): Runtime => {
    process.die()
    locks.die()
    faults.revive()
    process = fakeJournal(journal, clock)
    locks = fakeLocks(world.locks)
    stop = new StopButton()
    return runtime()
  }
  const takeUp = async (way: 'forward' | 'back'): Promise<Result> => {
    const run = newest()
    const { plan } = stateOf(entriesOf(run))
    const planned = await replannedOnce(book, target, plan)
    return heard(resume(reboot(), { run, way, planned, accepted: null }))
  }
  return {
    world,
    journal,
    evidence,
    events,
    reboot,
    get stop() {
      return stop
    },
    run: start('run'),
    dryRun: start('dry-run'),
    resume: () => takeUp('forward'),
    rollback: () => takeUp('back'),
    get entries() {
      return entriesOf(newest())
    },
  }
}

/** Cache: a test that tries every moment of a runbook starts and resumes it thousands of times. */
const plans = new WeakMap<Runbook, WeakMap<Target, Map<string, Planned>>>()

function plansOf(book: Runbook, target: Target): Map<string, Planned> {
  const ofBook = plans.get(book) ?? new WeakMap<Target, Map<string, Planned>>()
  const ofTarget = ofBook.get(target) ?? new Map<string, Planned>()
  plans.set(book, ofBook.set(target, ofTarget))
  return ofTarget
}

function plannedOnce(book: Runbook, target: Target, params: JsonObject): Planned {
  const known = plansOf(book, target)
  const key = canonical(params)
  const planned = known.get(key) ?? planOf(book, target, params)
  known.set(key, planned)
  return planned
}

async function replannedOnce(book: Runbook, target: Target, plan: Plan): Promise<Planned> {
  const known = plansOf(book, target)
  const key = `again ${plan.digest}`
  const planned =
    known.get(key) ?? (await replan({ runbook: async () => book, target: async () => target }, plan)).planned
  known.set(key, planned)
  return planned
}

/** Fills in defaults as the command line does for omitted flags. */
function defaulted({ about }: Runbook, given: JsonObject): JsonObject {
  const fallbacks = Object.entries(about.params).flatMap(([name, { fallback }]) =>
    fallback === undefined ? [] : [[name, fallback as Json] as const],
  )
  return { ...Object.fromEntries(fallbacks), ...given }
}
