import type { Drivers } from '../drivers/drivers.ts'
import type { Scope } from '../drivers/scope.ts'
import type { RunbookError } from '../kernel/errors.ts'
import type { Json, JsonObject } from '../kernel/json.ts'
import { canonical } from '../kernel/json.ts'
import { planOf } from '../model/plan.ts'
import type { Runbook } from '../model/runbook.ts'
import type { Target } from '../model/target.ts'
import { startRun, type Runtime } from '../run/start.ts'
import type { Result } from '../run/engine/ending.ts'
import type { Stored } from '../run/journal/entry.ts'
import type { Evidence } from '../run/journal/evidence.ts'
import { evidenceFolder } from '../run/record/evidence-folder.ts'
import type { RunEvent } from '../run/journal/events.ts'
import { orphanScope } from '../run/orphan-scope.ts'
import { recordOf } from '../run/record/record.ts'
import { replan } from '../run/replan.ts'
import { resume } from '../run/resume.ts'
import { runStatusOf } from '../run/record/run-status.ts'
import { stateOf } from '../run/journal/state.ts'
import { StopButton } from '../run/engine/stop.ts'
import { plainConductor } from './conductor.ts'
import { FakeEvidence } from './evidence.ts'
import { Killed } from './faults.ts'
import { emptyJournal, fakeJournal, type KeptJournal } from './journal.ts'
import { refusingUndeclared } from './undeclared.ts'
import type { FakeWorld } from './world.ts'

/** A machine with the engine on it, in front of a pretended world. Its journal and evidence outlive the processes that run on it. */
export interface FakeMachine {
  readonly world: FakeWorld
  readonly journal: KeptJournal
  readonly evidence: FakeEvidence
  /** Everything that a screen was told, by all processes. */
  readonly events: readonly RunEvent[]
  /** Of the process that runs now. `ask` it to stop, from a step or from a listener. */
  readonly stop: StopButton
  run(params?: JsonObject): Promise<Result>
  dryRun(params?: JsonObject): Promise<Result>
  /** Kills the process that runs now and starts another: what the engine finds around it there. */
  reboot(): Runtime
  /** Takes the newest run up again, in a new process. */
  resume(): Promise<Result>
  rollback(): Promise<Result>
  /** Of the newest run. */
  readonly entries: readonly Stored[]
}

export type Carried = {
  readonly book: Runbook
  readonly target: Target
  /** A state folder that another machine uses too. */
  readonly journal?: KeptJournal
  /** Parts of the surroundings that a test wants to be otherwise. */
  readonly around?: Partial<Runtime>
}

/**
 * Runs a runbook on a pretended world with the real engine. A run that is killed by `world.faults` rejects with `Killed`; `resume` and
 * `rollback` then go on in a new process, as `runbook resume` does. Rejects where a step calls a driver that can leave something behind in a
 * place which the step's `leaves` does not declare.
 */
export function fakeMachine(
  world: FakeWorld,
  { book, target, journal = emptyJournal(), around = {} }: Carried,
): FakeMachine {
  const { faults, clock } = world
  journal.beforeAppend = (_, { type }) => faults.pass(`journal.append ${type}`)
  journal.afterAppend = ({ entry: { type } }) => faults.pass(`journal.append ${type} done`)
  const evidence = new FakeEvidence()
  const troubled: Evidence = {
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
  let names = 0
  const refusals: RunbookError[] = []
  const driversFor = (scope: Scope): Drivers => {
    const drivers = world.drivers(scope, (run) => orphanScope(entriesOf(run)))
    const opened = entriesOf(scope.run)[0]?.entry
    const steps = opened?.type === 'opened' ? opened.plan.steps : []
    const step = steps.find(({ id }) => id === scope.step)
    return step === undefined
      ? drivers
      : refusingUndeclared(drivers, step, (refusal) => refusals.push(refusal))
  }
  const surroundings = (): Runtime => ({
    journal: process,
    evidence: troubled,
    conductor: plainConductor,
    clock,
    stop,
    mask: world.redactor,
    randomness: { bytes: (count) => new Uint8Array(count).fill(journal.entries.length + (names += 1)) },
    listener: (event) => events.push(event),
    drivers: driversFor,
    carrier: { by: world.person.name, host: 'pretended', pid: 1, startTime: null, bootId: null },
    engine: 'pretended',
    folderOf: (run, { story, mode, planned }, startedAt) =>
      evidenceFolder({ artifacts: '/artifacts', story, startedAt, runbook: planned.plan.runbook, run, mode }),
    filesOf: (entries) => [{ name: 'run.json', body: canonical(recordOf(entries)) }],
    standingOf: runStatusOf,
    ...around,
  })
  // What a dead process would have answered, nobody hears.
  const heard = async (ending: Promise<Result>): Promise<Result> => {
    const result = await ending
    const [refusal] = refusals
    if (refusal !== undefined) throw refusal
    if (faults.dead) throw new Killed('killed at its end')
    return result
  }
  const start =
    (mode: 'run' | 'dry-run') =>
    (params: JsonObject = {}): Promise<Result> =>
      heard(
        startRun(surroundings(), {
          planned: planOf(book, target, defaulted(book, params)),
          mode,
          story: null,
          reason: null,
        }),
      )
  const newest = (): string => journal.entries.at(-1)?.run ?? 'none'
  const entriesOf = (run: string): readonly Stored[] => journal.entries.filter((stored) => stored.run === run)
  const reboot = (): Runtime => {
    process.die()
    faults.revive()
    process = fakeJournal(journal, clock)
    stop = new StopButton()
    return surroundings()
  }
  const takeUp = async (way: 'forward' | 'back'): Promise<Result> => {
    const run = newest()
    const { plan } = stateOf(entriesOf(run))
    const { planned } = await replan({ runbook: async () => book, target: async () => target }, plan)
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

/** As the command line does where a flag is left out. */
function defaulted({ about }: Runbook, given: JsonObject): JsonObject {
  const fallbacks = Object.entries(about.params).flatMap(([name, { fallback }]) =>
    fallback === undefined ? [] : [[name, fallback as Json] as const],
  )
  return { ...Object.fromEntries(fallbacks), ...given }
}
