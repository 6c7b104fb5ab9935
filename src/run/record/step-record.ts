import type { Failure } from '../../kernel/errors.ts'
import type { Json, JsonObject } from '../../kernel/json.ts'
import type { PlannedStep } from '../../model/plan.ts'
import type { RowsBeforeAndAfter } from '../../model/step.ts'
import { compare, type Comparison } from './differences.ts'
import type { StoredPrediction, LogFile, Stored } from '../journal/entry.ts'

/** One attempt of a step or of its undo. `cut off`: an intent without an ending. */
export type AttemptRecord = JsonObject & {
  readonly attempt: number
  /** Null if the effect was already there, so nothing was started. */
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly milliseconds: number | null
  readonly result: 'done' | 'already' | 'recovered' | 'failed' | 'timeout' | 'undone' | 'absent' | 'cut off'
  readonly failure: Failure | null
  readonly log: LogFile | null
}

export type StepStatus =
  | 'not reached'
  | 'done'
  | 'already'
  | 'recovered'
  | 'failed'
  | 'timeout'
  | 'skipped'
  | 'in doubt'
  | 'seen'
  | 'foretold'

export type StepRecord = JsonObject & {
  readonly id: string
  readonly title: string
  readonly kind: string
  readonly effect: PlannedStep['effect']
  readonly reversal: PlannedStep['reversal']
  readonly phase: PlannedStep['phase']
  readonly says: string
  /** `seen` and `foretold` are for dry runs: the step looked at the real state, or was only predicted. */
  readonly status: StepStatus
  /** Why it was skipped or could not be predicted. */
  readonly because: string | null
  readonly attempts: readonly AttemptRecord[]
  readonly input: JsonObject | null
  /** Survey before the first attempt: all that the undo relied on. */
  readonly before: Json
  readonly output: Json
  readonly dataAsOf: string | null
  /** Missing where the step exchanged no data, or its rows are not known. */
  readonly rows?: RowsBeforeAndAfter
  readonly prediction: StoredPrediction | null
  readonly comparison: Comparison | null
  readonly undo: readonly AttemptRecord[]
  readonly undone: 'not needed' | 'undone' | 'failed' | 'in doubt'
}

type Draft<T> = { -readonly [K in keyof T]: T[K] }

/** @param entries entries of this step, in order */
export function stepRecord(planned: PlannedStep, entries: readonly Stored[]): StepRecord {
  const { id, title, kind, effect, reversal, phase, says } = planned
  const attempts: Draft<AttemptRecord>[] = []
  const undo: Draft<AttemptRecord>[] = []
  const record: Draft<StepRecord> = {
    id,
    title,
    kind,
    effect,
    reversal,
    phase,
    says,
    status: 'not reached',
    because: null,
    attempts,
    input: null,
    before: null,
    output: null,
    dataAsOf: null,
    prediction: null,
    comparison: null,
    undo,
    undone: 'not needed',
  }
  let seenBefore = false
  for (const { at, entry } of entries) {
    switch (entry.type) {
      case 'foretold':
        Object.assign(record, {
          status: entry.looked ? 'seen' : 'foretold',
          because: entry.unknown,
          before: entry.before,
          prediction: entry.prediction,
        })
        break
      case 'intent':
        attempts.push(begun(entry.attempt, at))
        Object.assign(record, {
          status: 'in doubt',
          because: null,
          input: entry.input,
          prediction: entry.prediction,
          output: null,
          comparison: null,
          dataAsOf: null,
        })
        if (!seenBefore) record.before = entry.before
        seenBefore = true
        break
      case 'ended':
        ended(attempts, entry, at)
        record.status = entry.result
        record.output = entry.output
        record.dataAsOf = entry.dataAsOf ?? null
        if (entry.rows !== undefined) record.rows = entry.rows
        record.comparison =
          entry.failure === null && attempts.some((one) => one.startedAt !== null)
            ? compare(record.prediction, entry.output)
            : null
        break
      case 'skipped':
        Object.assign(record, { status: 'skipped', because: entry.because })
        break
      case 'undo-intent':
        undo.push(begun(entry.attempt, at))
        record.undone = 'in doubt'
        break
      case 'undo-ended':
        ended(undo, entry, at)
        record.undone = entry.result === 'failed' ? 'failed' : 'undone'
        break
      default:
        break
    }
  }
  return record
}

const begun = (attempt: number, startedAt: string): Draft<AttemptRecord> => ({
  attempt,
  startedAt,
  endedAt: null,
  milliseconds: null,
  result: 'cut off',
  failure: null,
  log: null,
})

function ended(
  attempts: Draft<AttemptRecord>[],
  entry: Pick<AttemptRecord, 'attempt' | 'result' | 'failure' | 'milliseconds' | 'log'>,
  endedAt: string,
): void {
  const { attempt, result, failure, milliseconds, log } = entry
  const last = attempts.at(-1)
  if (last?.attempt === attempt && last.endedAt === null)
    Object.assign(last, { endedAt, milliseconds, result, failure, log })
  else attempts.push({ attempt, startedAt: null, endedAt, milliseconds, result, failure, log })
}
