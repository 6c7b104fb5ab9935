import type { JsonObject } from '../../kernel/json.ts'
import type { PlannedStep } from '../../model/plan.ts'
import type { StoredEstimate, Stored } from '../journal/entry.ts'
import { lookupIn, notTaken, stateOf, type RunState } from '../journal/state.ts'
import { pastTimesOf, type PastTimes } from './past-times.ts'

/** How long something will take; without past runs of some steps only their titles. */
export type Remaining =
  | {
      readonly medianSeconds: number
      /** Nine of ten runs take at most this long. */
      readonly p90Seconds: number
      /** How many past runs it is computed from. */
      readonly runs: number
    }
  | { readonly unknown: readonly string[] }

/** What past runs say about the rest of a run. Time in which people are waited for is in none of it. */
export type Estimate = {
  /** What `rest` counts to: the service being up again or, where no step that is left brings it up, the end. */
  readonly until: 'up' | 'end'
  /** Null if nothing is left. */
  readonly rest: Remaining | null
  /** Until everything of a rollback that starts now is undone; null where nothing can be undone. */
  readonly back: Remaining | null
  /** Answers of people that are still needed until then. */
  readonly answers: number
  /** The next step that takes the service down, and for how long by past runs; null where none is left. */
  readonly down: { readonly step: PlannedStep; readonly lasts: Remaining } | null
  /** Whether a person is asked before anything else happens. */
  readonly asks: boolean
  /** Title of the step in progress that takes clearly longer than it ever did; null if none does. */
  readonly late: string | null
}

/** A part of a run that comes after all earlier ones: a step, or the steps of a group, which run in parallel. */
type Stage = {
  readonly titles: readonly string[]
  /** Milliseconds in a past run; null if that run says nothing about it. */
  readonly took: (past: PastTimes) => number | null
}

/** Folds the entries of a run once, so that it can be asked at many moments. */
export function estimator(entries: readonly Stored[], past: readonly PastTimes[]): (now: Date) => Estimate {
  const state = stateOf(entries)
  const since = stageBegan(entries, state)
  const ahead = stagesAhead(state, entries)
  const back = state.pivoted ? [] : undoStages(state)
  const goesBack = state.way === 'back'
  const { stopper } = ahead
  const down =
    goesBack || stopper === null
      ? null
      : { step: stopper.step, lasts: combined(ahead.stages.slice(stopper.stage), past) }
  return (now) => {
    const asks = !goesBack && ahead.asks
    const passed = since === null || asks ? null : Math.max(0, now.getTime() - Date.parse(since))
    const coming = goesBack ? back : ahead.stages
    const [current, ...rest] = coming
    const left = current === undefined || passed === null ? null : begun(current, past, passed)
    const stages = left === null ? coming : [left.stage, ...rest]
    return {
      until: goesBack ? 'end' : ahead.until,
      rest: coming.length === 0 ? null : combined(stages, past),
      back: back.length === 0 ? null : combined(goesBack ? stages : back, past),
      answers: goesBack ? 0 : ahead.answers,
      down,
      asks,
      late: left?.late === true ? (current?.titles[0] ?? null) : null,
    }
  }
}

/** What past runs said when the run was opened, to be compared with what it took; null if they said nothing. */
export function estimateAtStart(
  entries: readonly Stored[],
  past: readonly PastTimes[],
): StoredEstimate | null {
  const first = entries[0]
  if (first === undefined) return null
  const { rest } = estimator([first], past)(new Date(first.at))
  return rest === null || 'unknown' in rest ? null : rest
}

/** Seconds that a run took for what `estimateAtStart` predicts; null if it was interrupted or never got there. */
export function takenSeconds(entries: readonly Stored[]): number | null {
  return estimateAtStart(entries, [pastTimesOf(entries)])?.medianSeconds ?? null
}

/** An estimate at the start of a run, and what the run then took. */
export type ScoredEstimate = JsonObject &
  StoredEstimate & {
    /** As `takenSeconds`. */
    readonly takenSeconds: number | null
  }

/** When the stage in progress began: when the one before it ended. Null before the first. */
function stageBegan(entries: readonly Stored[], state: RunState): string | null {
  const { steps } = state.plan
  const groups = new Map(steps.map(({ id, group }) => [id, group]))
  let began: string | null = null
  for (const { at, entry } of entries) {
    if (entry.type === 'preflighted') began ??= at
    else if (entry.type === 'ended') {
      const group = groups.get(entry.step) ?? null
      // A group ends with its last member.
      const complete = group === null || steps.every((step) => step.group !== group || settled(state, step))
      if (complete && entry.again !== true) began = at
    } else if (boundaries.has(entry.type)) began = at
  }
  return began
}

const boundaries: ReadonlySet<string> = new Set(['skipped', 'pivoted', 'turned', 'resumed', 'undo-ended'])

const settled = (state: RunState, { id }: PlannedStep): boolean =>
  ['done', 'skipped'].includes(state.steps.get(id)?.status ?? 'waiting')

/** What is left until the service is up, or else until the end, in order. */
function stagesAhead(
  state: RunState,
  entries: readonly Stored[],
): {
  readonly until: 'up' | 'end'
  readonly stages: readonly Stage[]
  readonly answers: number
  /** A person is asked before the first of the stages. */
  readonly asks: boolean
  /** The first step that takes the service down, and the number of its stage. */
  readonly stopper: { readonly step: PlannedStep; readonly stage: number } | null
} {
  const lookup = lookupIn(state)
  const left = state.plan.steps.filter(
    (step) => !settled(state, step) && typeof notTaken(step, lookup) !== 'string',
  )
  const last = left.findLastIndex(({ marks, phase }) => marks.upAfter && phase !== 'lastly')
  const coming = last === -1 ? left : left.slice(0, last + 1)
  const acting = coming.filter(({ effect }) => effect !== 'decide')
  const keyOf = ({ id, group }: PlannedStep): string => (group === null ? `step ${id}` : `group ${group}`)
  const keys = [...new Set(acting.map(keyOf))]
  const checked = entries.some(({ entry }) => entry.type === 'preflighted')
  const preflight: Stage = { titles: ['the checks before the run'], took: (past) => past.preflight }
  const before = checked || coming.length === 0 ? [] : [preflight]
  const stopper = acting.find(({ marks }) => marks.downFrom)
  return {
    until: last === -1 ? 'end' : 'up',
    stages: [
      ...before,
      ...keys.map((key): Stage => {
        const steps = acting.filter((step) => keyOf(step) === key)
        return {
          titles: steps.map(({ title }) => title),
          took: (past) => longest(steps.map((step) => forwardTime(step, past))),
        }
      }),
    ],
    answers: coming.length - acting.length,
    asks: coming[0]?.effect === 'decide',
    stopper:
      stopper === undefined ? null : { step: stopper, stage: before.length + keys.indexOf(keyOf(stopper)) },
  }
}

/** A step without a condition was never skipped; one with it may be skipped again. */
const forwardTime = ({ id }: PlannedStep, past: PastTimes): number | null =>
  past.forward.get(id) ?? (past.skipped.has(id) ? 0 : null)

/** Null if one of them is. */
const longest = (times: readonly (number | null)[]): number | null =>
  times.reduce((one, other) => (one === null || other === null ? null : Math.max(one, other)), 0)

function undoStages(state: RunState): readonly Stage[] {
  return state.plan.steps
    .filter(({ id, phase, reversal }) => {
      const step = state.steps.get(id)
      return (
        phase !== 'lastly' &&
        reversal !== 'not needed' &&
        step !== undefined &&
        step.attempts > 0 &&
        step.undo !== 'undone'
      )
    })
    .reverse()
    .map(({ id, title }) => ({
      titles: [`the undo of ${title}`],
      took: ({ undo }) => undo.get(id) ?? null,
    }))
}

/** Less than that is noise. Milliseconds. */
const leastLate = 5_000

/**
 * The rest of a stage that has run for some time: of the past runs only those count in which it took longer. If
 * none did, nothing is known of its rest.
 */
function begun(
  stage: Stage,
  past: readonly PastTimes[],
  passed: number,
): { readonly stage: Stage; readonly late: boolean } {
  const times = past.flatMap((run) => stage.took(run) ?? [])
  const slowest = times.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...times)
  const exceeded = slowest <= passed
  return {
    late: passed > slowest + Math.max(leastLate, slowest * 0.1),
    stage: {
      ...stage,
      took: (run) => {
        const time = stage.took(run)
        if (time === null) return null
        if (exceeded) return 0
        return time > passed ? time - passed : null
      },
    },
  }
}

/**
 * Sums of the same run keep what its steps have in common, such as a slow host. Where few past runs got through
 * all stages, the stages are combined as if all were slow at once, which is rather too long than too short.
 */
function combined(stages: readonly Stage[], past: readonly PastTimes[]): Remaining {
  const samples = stages.map(({ took }) => past.flatMap((run) => took(run) ?? []).sort(ascending))
  const unknown = stages.filter((_, index) => samples[index]?.length === 0).flatMap(({ titles }) => titles)
  if (unknown.length > 0) return { unknown }
  const sums = past
    .flatMap((run) => {
      const times = stages.flatMap(({ took }) => took(run) ?? [])
      return times.length === stages.length ? [times.reduce((sum, time) => sum + time, 0)] : []
    })
    .sort(ascending)
  const runs = Math.min(...samples.map(({ length }) => length))
  const enough = sums.length * 2 >= runs && sums.length > 0
  const at = (share: number): number =>
    enough ? quantile(sums, share) : samples.reduce((sum, times) => sum + quantile(times, share), 0)
  return {
    medianSeconds: inSeconds(at(0.5)),
    p90Seconds: inSeconds(at(0.9)),
    runs: enough ? sums.length : runs,
  }
}

const ascending = (one: number, other: number): number => one - other

const inSeconds = (milliseconds: number): number => Math.round(milliseconds) / 1000

/**
 * The k-th of n sorted values is exceeded by the next one with probability 1 - k / (n + 1), whatever their
 * distribution; between two values it is interpolated.
 */
function quantile(sorted: readonly number[], share: number): number {
  const position = Math.min(sorted.length, Math.max(1, share * (sorted.length + 1))) - 1
  const low = sorted[Math.floor(position)] ?? 0
  const high = sorted[Math.ceil(position)] ?? low
  return low + (high - low) * (position - Math.floor(position))
}
