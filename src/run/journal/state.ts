import { RunbookError, type Failure } from '../../kernel/errors.ts'
import type { Json, JsonObject } from '../../kernel/json.ts'
import { at, type Lookup } from '../../model/pending.ts'
import type { Plan, PlannedStep } from '../../model/plan.ts'
import { nameOf } from '../../model/ref.ts'
import type { Opened, Outcome, Stored } from './entry.ts'

/** State of one step, computed from the entries. `doubt`: an intent without an ending. */
export interface StepState {
  readonly status: 'waiting' | 'doubt' | 'done' | 'failed' | 'skipped'
  /** Also `none` after a failed attempt that is not the last: everything is still to be undone. */
  readonly undo: 'none' | 'doubt' | 'undone' | 'failed'
  /** Intents so far. Without one there cannot be an effect to undo. */
  readonly attempts: number
  readonly undoAttempts: number
  readonly input: JsonObject | null
  /** Survey of the first attempt: later ones may see changes made by the first. */
  readonly before: Json
  readonly output: Json | undefined
  readonly failure: Failure | null
}

export interface RunState {
  readonly opened: Opened
  readonly startedAt: string
  readonly plan: Plan
  readonly steps: ReadonlyMap<string, StepState>
  readonly way: 'forward' | 'back'
  /** Why the run rolls back, and the failure that caused it. */
  readonly turned: { readonly because: string; readonly failure: Failure | null } | null
  readonly pivoted: boolean
  /** Signal of the last stop; null once the run is resumed. */
  readonly interrupted: string | null
  readonly settled: { readonly outcome: Outcome; readonly failure: Failure | null } | null
  /** The evidence of this outcome is complete and signed. */
  readonly sealed: boolean
  /** What changed outside the effects of the steps, and no undo takes back. */
  readonly remains: readonly string[]
  /** Those of `remains` that are only data that was put aside. */
  readonly kept: readonly string[]
  readonly released: boolean
}

const untouched: StepState = {
  status: 'waiting',
  undo: 'none',
  attempts: 0,
  undoAttempts: 0,
  input: null,
  before: null,
  output: undefined,
  failure: null,
}

/** Folds the entries of one run. @throws RunbookError `journal` if the first entry is not `opened` */
export function stateOf(entries: readonly Stored[]): RunState {
  const first = entries[0]
  if (first === undefined || first.entry.type !== 'opened') {
    throw new RunbookError('journal', 'a run in the journal does not begin with an opening entry', {
      hint: 'keep the state folder and release the run with `runbook unlock`',
    })
  }
  const opened = first.entry
  const steps = new Map(opened.plan.steps.map((step) => [step.id, untouched]))
  const lastly = opened.plan.steps.filter((step) => step.phase === 'lastly').map((step) => step.id)
  const committed = new Set(
    opened.plan.steps.filter((step) => step.phase !== 'reversible').map((step) => step.id),
  )
  const run: { -readonly [K in keyof RunState]: RunState[K] } = {
    opened,
    startedAt: first.at,
    plan: opened.plan,
    steps,
    way: 'forward',
    turned: null,
    pivoted: false,
    interrupted: null,
    settled: null,
    sealed: false,
    remains: [],
    kept: [],
    released: false,
  }
  const change = (step: string, part: (now: StepState) => Partial<StepState>): void => {
    const now = steps.get(step) ?? untouched
    steps.set(step, { ...now, ...part(now) })
  }
  // The outcome that the lastly steps reported no longer holds, so they run again.
  const repeatLastly = (): void => {
    for (const id of lastly) change(id, () => ({ status: 'waiting', failure: null }))
  }
  for (const { entry } of entries.slice(1)) {
    if (entry.type === 'ended' || entry.type === 'undo-ended') {
      run.remains = [...new Set([...run.remains, ...(entry.remains ?? [])])]
      run.kept = [...new Set([...run.kept, ...(entry.kept ?? [])])]
    }
    switch (entry.type) {
      case 'intent':
        change(entry.step, (now) => ({
          // Even after an undo, there may be an effect again from here on.
          status: 'doubt',
          undo: 'none',
          attempts: now.attempts + 1,
          input: entry.input,
          before: now.attempts === 0 ? entry.before : now.before,
          failure: null,
        }))
        break
      case 'ended':
        change(entry.step, () => {
          if (entry.failure === null) return { status: 'done', output: entry.output, failure: null }
          return { status: entry.again === true ? 'waiting' : 'failed', failure: entry.failure }
        })
        break
      case 'skipped':
        change(entry.step, () => ({ status: 'skipped' }))
        break
      case 'turned':
        run.way = 'back'
        run.turned ??= { because: entry.because, failure: entry.failure }
        repeatLastly()
        break
      case 'undo-intent':
        change(entry.step, (now) => ({ undo: 'doubt', undoAttempts: now.undoAttempts + 1 }))
        break
      case 'undo-ended':
        change(entry.step, () => {
          if (entry.result !== 'failed') return { undo: 'undone' }
          return entry.again === true ? { undo: 'none' } : { undo: 'failed', failure: entry.failure }
        })
        break
      case 'pivoted':
        run.pivoted = true
        break
      case 'interrupted':
        run.interrupted = entry.signal
        break
      case 'resumed':
        run.interrupted = null
        if (
          run.settled !== null ||
          [...steps].some(([id, now]) => !lastly.includes(id) && stoppedAt(now, committed.has(id)))
        )
          repeatLastly()
        run.settled = null
        run.sealed = false
        for (const id of steps.keys()) change(id, (now) => tryAgain(now, committed.has(id)))
        break
      case 'settled':
        run.settled = { outcome: entry.outcome, failure: entry.failure }
        run.sealed = false
        break
      case 'sealed':
        run.sealed = true
        break
      case 'released':
        run.released = true
        break
      default:
        break
    }
  }
  return run
}

/** Whether the run stopped at this step: a failed undo, or a failed step after the point of no return. */
const stoppedAt = (now: StepState, committed: boolean): boolean =>
  now.undo === 'failed' || (now.status === 'failed' && committed)

/** A step that stopped the run is retried when a person resumes it. */
function tryAgain(now: StepState, committed: boolean): Partial<StepState> {
  if (!stoppedAt(now, committed)) return {}
  if (now.undo === 'failed') return { undo: 'none' }
  return { status: now.attempts > 0 ? 'doubt' : 'waiting' }
}

/** Known values of a run: its parameters and the outputs of successful steps. */
export function lookupIn(state: RunState): Lookup {
  return (address) => {
    if ('$param' in address) return at(state.plan.params, [address.$param, ...address.path])
    const step = state.steps.get(address.$ref)
    const known = step?.status === 'done' ? at(step.output, address.path) : undefined
    return known === undefined && address.maybe === true ? null : known
  }
}

/** Why a step is skipped, or null. `undefined`: a deciding value is unknown and no known one excludes it. */
export function notTaken(step: PlannedStep, lookup: Lookup): string | null | undefined {
  let open = false
  for (const { value, is } of step.only) {
    const known = lookup(value)
    if (known === undefined) open = true
    else if (String(known) !== is) return `only if ${nameOf(value)} is ${is}, but it is ${String(known)}`
  }
  return open ? undefined : null
}
