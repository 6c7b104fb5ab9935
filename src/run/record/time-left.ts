import type { JsonObject } from '../../kernel/json.ts'
import type { Stored } from '../journal/entry.ts'
import { stateOf } from '../journal/state.ts'
import { estimator, type Estimate, type Remaining } from './estimate.ts'
import { measuresOf } from './measures.ts'
import type { PastTimes } from './past-times.ts'

/** How much time a run has, and how much it will need. */
export type TimeLeft = {
  readonly elapsedSeconds: number
  /** Until the objective is missed; negative once it is. Null where there is none, or the run no longer aims at it. */
  readonly objectiveLeftSeconds: number | null
  /** Null once it has ended. */
  readonly estimate: Estimate | null
}

/** Folds the entries once, so that it can be asked at every redraw. */
export function timeLeftOf(entries: readonly Stored[], past: readonly PastTimes[]): (now: Date) => TimeLeft {
  const state = stateOf(entries)
  const { rto } = measuresOf(entries)
  const estimate = estimator(entries, past)
  const measurable = state.plan.steps.some(({ marks }) => marks.upAfter)
  const aims = measurable && state.way === 'forward' && rto.seconds === null
  const started = Date.parse(state.startedAt)
  return (now) => {
    const elapsedSeconds = Math.max(0, (now.getTime() - started) / 1000)
    return {
      elapsedSeconds,
      objectiveLeftSeconds:
        aims && rto.objectiveSeconds !== null ? rto.objectiveSeconds - elapsedSeconds : null,
      estimate: state.settled === null ? estimate(now) : null,
    }
  }
}

/** The same for programs. What past runs say nothing about is null, and `unknown` names its steps. */
export function timeLeftAsJson({ objectiveLeftSeconds, estimate }: TimeLeft): JsonObject {
  return {
    objectiveLeftSeconds: objectiveLeftSeconds === null ? null : Math.round(objectiveLeftSeconds),
    until: estimate?.until ?? null,
    rest: remainingAsJson(estimate?.rest ?? null),
    rollback: remainingAsJson(estimate?.back ?? null),
    answers: estimate?.answers ?? 0,
    late: estimate?.late ?? null,
  }
}

const remainingAsJson = (one: Remaining | null): JsonObject | null =>
  one === null
    ? null
    : 'unknown' in one
      ? { medianSeconds: null, p90Seconds: null, runs: 0, unknown: one.unknown }
      : { ...one, unknown: [] }
