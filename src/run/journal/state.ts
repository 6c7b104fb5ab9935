import { RunbookError, type Failure } from '../../kernel/errors.ts'
import type { Json, JsonObject } from '../../kernel/json.ts'
import { at, type Lookup } from '../../model/pending.ts'
import type { Plan, PlannedStep } from '../../model/plan.ts'
import { nameOf } from '../../model/ref.ts'
import type { Opened, Outcome, StepEnded, Stored } from './entry.ts'

/** State of one step, computed from the entries. `doubt`: an intent without an ending. */
export interface StepState {
  readonly status: 'waiting' | 'doubt' | 'done' | 'failed' | 'skipped'
  /** Also `none` after a failed attempt that is not the last: everything is still to be undone. */
  readonly undo: 'none' | 'doubt' | 'undone' | 'failed'
  /** Intents so far. Without one there cannot be an effect to undo. */
  readonly attempts: number
  readonly undoAttempts: number
  /** How an undo was proven that has not ended since: what proved it may be gone. */
  readonly undoProven: 'undone' | 'absent' | null
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
  undoProven: null,
  input: null,
  before: null,
  output: undefined,
  failure: null,
}

/** Folds the entries of one run. @throws RunbookError `journal` if the first entry is not `opened` */
export function stateOf(entries: readonly Stored[]): RunState {
  const fold = new RunFold(entries[0])
  for (const stored of entries.slice(1)) fold.add(stored)
  return fold.state
}

type Changing = { -readonly [K in keyof Omit<RunState, 'steps'>]: RunState[K] }

/** The fold of a run that is being written: an entry costs the same after a thousand others as after one. */
export class RunFold {
  readonly #run: Changing
  readonly #steps: Map<string, StepState>
  readonly #lastly: ReadonlySet<string>
  readonly #committed: ReadonlySet<string>

  /** @throws RunbookError `journal` if the first entry is not `opened` */
  constructor(first: Stored | undefined) {
    if (first === undefined || first.entry.type !== 'opened') {
      throw new RunbookError('journal', 'a run in the journal does not begin with an opening entry', {
        hint:
          first === undefined
            ? 'keep the state folder, and check the target'
            : `keep the state folder, and release the run with \`runbook unlock ${first.run} --reason TEXT\``,
      })
    }
    const opened = first.entry
    const { plan } = opened
    const idsOf = (wanted: (step: PlannedStep) => boolean): ReadonlySet<string> =>
      new Set(plan.steps.filter(wanted).map(({ id }) => id))
    this.#steps = new Map(plan.steps.map(({ id }) => [id, untouched]))
    this.#lastly = idsOf(({ phase }) => phase === 'lastly')
    this.#committed = idsOf(({ phase }) => phase !== 'reversible')
    this.#run = {
      opened,
      startedAt: first.at,
      plan,
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
  }

  /** The state so far; entries added later do not change it. */
  get state(): RunState {
    return { ...this.#run, steps: new Map(this.#steps) }
  }

  add({ entry }: Stored): void {
    const run = this.#run
    switch (entry.type) {
      case 'intent':
        this.#change(entry.step, (now) => ({
          // Even after an undo, there may be an effect again from here on.
          status: 'doubt',
          undo: 'none',
          undoProven: null,
          attempts: now.attempts + 1,
          input: entry.input,
          before: now.attempts === 0 ? entry.before : now.before,
          failure: null,
        }))
        break
      case 'ended':
        this.#remain(entry)
        this.#change(entry.step, () => {
          if (entry.failure === null) return { status: 'done', output: entry.output, failure: null }
          return { status: entry.again === true ? 'waiting' : 'failed', failure: entry.failure }
        })
        break
      case 'skipped':
        this.#change(entry.step, () => ({ status: 'skipped' }))
        break
      case 'turned':
        run.way = 'back'
        run.turned ??= { because: entry.because, failure: entry.failure }
        this.#repeatLastly()
        break
      case 'undo-intent':
        this.#change(entry.step, (now) => ({ undo: 'doubt', undoAttempts: now.undoAttempts + 1 }))
        break
      case 'undo-proven':
        this.#change(entry.step, () => ({ undoProven: entry.result }))
        break
      case 'undo-ended':
        this.#remain(entry)
        this.#change(entry.step, () => {
          if (entry.result !== 'failed') return { undo: 'undone', undoProven: null }
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
        this.#resume()
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

  #change(step: string, part: (now: StepState) => Partial<StepState>): void {
    const now = this.#steps.get(step) ?? untouched
    this.#steps.set(step, { ...now, ...part(now) })
  }

  #remain({ remains, kept }: Pick<StepEnded, 'remains' | 'kept'>): void {
    if (remains !== undefined) this.#run.remains = [...new Set([...this.#run.remains, ...remains])]
    if (kept !== undefined) this.#run.kept = [...new Set([...this.#run.kept, ...kept])]
  }

  /** The outcome that the lastly steps reported no longer holds, so they run again. */
  #repeatLastly(): void {
    for (const id of this.#lastly) this.#change(id, () => ({ status: 'waiting', failure: null }))
  }

  #resume(): void {
    const run = this.#run
    run.interrupted = null
    if (
      run.settled !== null ||
      [...this.#steps].some(([id, now]) => !this.#lastly.has(id) && stoppedAt(now, this.#committed.has(id)))
    )
      this.#repeatLastly()
    run.settled = null
    run.sealed = false
    for (const id of this.#steps.keys()) this.#change(id, (now) => tryAgain(now, this.#committed.has(id)))
  }
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
