import type { Clock } from '../kernel/clock.ts'
import { failureOf, RunbookError, type Failure } from '../kernel/errors.ts'
import type { Json } from '../kernel/json.ts'
import { viewOf, type Drivers } from '../drivers/drivers.ts'
import type { Scope } from '../drivers/scope.ts'
import type { Planned, PlannedStep } from '../model/plan.ts'
import type { AnyStep, Ask, Io, Look, RunFacts, Standing } from '../model/step.ts'
import type { Entry, LogFile, Stored } from './entry.ts'
import type { EvidenceFolder, StepLog } from './evidence.ts'
import type { Listener } from './events.ts'
import { stateOf, type RunState } from './state.ts'
import type { Stop } from './stop.ts'

/** Masks secrets in whatever is about to leave the program. */
export interface Mask {
  json<T extends Json>(value: T): T
  stream(): { push(chunk: Uint8Array): Uint8Array; end(): Uint8Array }
}

/** What a run is carried out with. Everything outside comes from here. */
export interface Stage {
  readonly run: string
  readonly planned: Planned
  readonly clock: Clock
  readonly mask: Mask
  readonly stop: Stop
  readonly folder: EvidenceFolder
  readonly listener: Listener
  /** Drivers that work for one attempt of one step. */
  drivers(scope: Scope): Drivers
  /** How the run stands, for the steps that tell of it. */
  standing(state: RunState): Standing
  readonly record: Record
  /** Evidence that could not be kept. With any, the run is not called a success. */
  readonly losses: Failure[]
}

/** The entries of the run so far, and the one way to add to them: in order, masked, durable. */
export class Record {
  readonly #entries: Stored[]
  readonly #append: (entry: Entry) => Promise<Stored>
  readonly #listener: Listener
  #queue: Promise<unknown> = Promise.resolve()

  constructor(entries: readonly Stored[], append: (entry: Entry) => Promise<Stored>, listener: Listener) {
    this.#entries = [...entries]
    this.#append = append
    this.#listener = listener
  }

  get entries(): readonly Stored[] {
    return this.#entries
  }

  get state(): RunState {
    return stateOf(this.#entries)
  }

  /** Returns once the entry is durable. Steps that run at the same time write one after another. */
  write(entry: Entry): Promise<void> {
    const written = this.#queue.then(async () => {
      const stored = await this.#append(entry)
      this.#entries.push(stored)
      this.#listener({ type: 'entry', stored })
    })
    // A failed write fails its own caller; those after it are tried on their own.
    this.#queue = written.catch(() => undefined)
    return written
  }

  settled(): Promise<unknown> {
    return this.#queue
  }
}

/** Everything that one attempt of a step is given, and its log. */
export interface Bench {
  readonly look: Look
  readonly ask: Ask
  readonly io: Io
  readonly signal: AbortController
  readonly log: StepLog
}

/** Lays the bench for one attempt: drivers of its own, a log, and a signal that ends whatever it starts. */
export async function benchFor(stage: Stage, step: PlannedStep, kind: 'run' | 'undo'): Promise<Bench> {
  const position = stage.planned.plan.steps.findIndex((one) => one.id === step.id) + 1
  const log = await stage.folder.log(`${String(position).padStart(2, '0')}-${step.id}${kind === 'undo' ? '.undo' : ''}`)
  const controller = new AbortController()
  const masked = stage.mask.stream()
  const show = (chunk: Uint8Array): void => {
    if (chunk.length === 0) return
    log.write(chunk)
    stage.listener({ type: 'output', step: step.id, chunk })
  }
  const scope: Scope = {
    run: stage.run,
    step: step.id,
    signal: controller.signal,
    output: (chunk) => show(masked.push(chunk)),
    progress: (progress) => stage.listener({ type: 'progress', step: step.id, progress }),
    spawned: (child) => void stage.record.write({ type: 'spawned', step: step.id, child }).catch(() => controller.abort()),
  }
  const drivers = stage.drivers(scope)
  const moment = {
    run: factsOf(stage),
    clock: stage.clock,
    signal: controller.signal,
    progress: scope.progress,
    note: (line: string) => {
      const text = stage.mask.json(line)
      log.write(new TextEncoder().encode(`${text}\n`))
      stage.listener({ type: 'note', step: step.id, line: text })
    },
  }
  const views = viewOf(drivers)
  return {
    look: { ...views, ...moment },
    ask: { ...views, people: drivers.people, ...moment },
    io: { ...drivers, ...moment },
    signal: controller,
    log: {
      write: log.write,
      finish: () => {
        show(masked.end())
        return log.finish()
      },
    },
  }
}

/**
 * Closes a log. A log that cannot be written (a full disk) must not cost the outcome of the step, so that is told and the outcome
 * stands without it; the run cannot be sealed until there is room again.
 */
export async function finishLog(stage: Stage, bench: Bench): Promise<LogFile | null> {
  try {
    const log = await bench.log.finish()
    if (log?.problem !== undefined) stage.losses.push({ code: 'failed', message: `${log.file}: ${log.problem}` })
    return log
  } catch (thrown) {
    stage.losses.push(failureOf(thrown))
    return null
  }
}

function factsOf(stage: Stage): RunFacts {
  const { state } = stage.record
  return {
    id: stage.run,
    runbook: state.plan.runbook,
    target: String(state.plan.target['name']),
    startedAt: state.startedAt,
    story: state.opened.story,
    reason: state.opened.reason,
    by: state.opened.by,
    evidence: state.opened.evidence,
    standing: stage.standing(state),
  }
}

export function stepOf(stage: Stage, planned: PlannedStep): AnyStep {
  const step = stage.planned.steps.get(planned.id)
  if (step === undefined) throw new RunbookError('bug', `the plan names the step ${planned.id}, and the runbook does not`)
  return step
}
