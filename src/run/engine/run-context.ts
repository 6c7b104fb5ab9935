import type { Clock } from '../../kernel/clock.ts'
import { failureOf, RunbookError, type Code, type Failure } from '../../kernel/errors.ts'
import type { Json } from '../../kernel/json.ts'
import type { Drivers } from '../../drivers/drivers.ts'
import type { Scope } from '../../drivers/scope.ts'
import type { Planned, PlannedStep } from '../../model/plan.ts'
import type { AnyStep, RunFacts, RunStatus } from '../../model/step.ts'
import type { EvidenceFolder } from '../journal/evidence.ts'
import type { Listener } from '../journal/events.ts'
import type { RunJournal } from '../journal/run-journal.ts'
import { lookupIn, type StepState } from '../journal/state.ts'
import type { Stop } from './stop.ts'

/** Masks secrets in everything that leaves the program. */
export interface Mask {
  /**
   * Text that is public anyway: parts of secrets such as the path of a URL are not masked if it has them, nor
   * are values that are ordinary words.
   * @returns names of the secrets whose value is not masked
   */
  publish(text: string): readonly string[]
  json<T extends Json>(value: T): T
  stream(): { push(chunk: Uint8Array): Uint8Array; end(): Uint8Array }
}

/** Everything the engine needs for one run in this process, from its start or resume to its end. */
export interface RunContext {
  readonly run: string
  readonly planned: Planned
  /** Of this machine since its start; null where it is not known. */
  readonly boot: string | null
  readonly clock: Clock
  readonly mask: Mask
  readonly stop: Stop
  readonly folder: EvidenceFolder
  /** Never throws. */
  readonly listener: Listener
  readonly journal: RunJournal
  /** Log output lost by this process, as on a full disk. Any loss prevents sealing the evidence. */
  readonly losses: string[]
  /** Ids of the steps that this process performed. */
  readonly performed: Set<string>
  /** The announcement that was begun last; it never rejects. */
  readonly announcing: { last: Promise<void> }
  /** Drivers for one attempt of one step. */
  drivers(scope: Scope): Drivers
  /**
   * Called before each intent of an effect.
   * @throws Stopped `held` if the run lost a lock on its system: it starts nothing more
   */
  fence(): Promise<void>
  /** Status of the run so far, for steps that report it. */
  status(): RunStatus
}

export function stepOf(context: RunContext, planned: PlannedStep): AnyStep {
  const step = context.planned.steps.get(planned.id)
  if (step === undefined)
    throw new RunbookError('bug', `step ${planned.id} of the plan not found in the runbook`)
  return step
}

/**
 * A step of the plan with its true input: the journal, from which the agenda comes, has its secrets masked.
 */
export const withSecrets = (context: RunContext, planned: PlannedStep): PlannedStep =>
  context.planned.plan.steps.find(({ id }) => id === planned.id) ?? planned

export function stateOfStep(context: RunContext, planned: PlannedStep): StepState {
  const state = context.journal.state.steps.get(planned.id)
  if (state === undefined) throw new RunbookError('bug', `step ${planned.id} not found in the plan`)
  return state
}

/** Values that the run knows so far. */
export const lookupOn = (context: RunContext) => lookupIn(context.journal.state)

/** What was thrown, as data with secrets masked, for the screen, the log and the journal. */
export const failureOn = (context: Pick<RunContext, 'mask'>, thrown: unknown, otherwise?: Code): Failure =>
  context.mask.json(failureOf(thrown, otherwise))

export function factsOf(context: RunContext): RunFacts {
  const { state } = context.journal
  return {
    id: context.run,
    runbook: state.plan.runbook,
    target: String(state.plan.target['name']),
    startedAt: state.startedAt,
    story: state.opened.story,
    reason: state.opened.reason,
    by: state.opened.by,
    evidence: state.opened.evidence,
    // On demand: it reads all entries, and few steps ask.
    get standing() {
      return context.status()
    },
  }
}
