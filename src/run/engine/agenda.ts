import { RunbookError, type Failure } from '../../kernel/errors.ts'
import type { PlannedStep } from '../../model/plan.ts'
import type { Outcome } from '../journal/entry.ts'
import { lookupIn, notTaken, type RunState, type StepState } from '../journal/state.ts'

/** One item left to do. */
export type Todo =
  | { readonly do: 'run'; readonly step: PlannedStep }
  /** A crash came between intent and ending: probe first. */
  | { readonly do: 'settle-doubt'; readonly step: PlannedStep }
  | { readonly do: 'skip'; readonly step: PlannedStep; readonly because: string }
  | { readonly do: 'undo'; readonly step: PlannedStep }
  | { readonly do: 'pivot'; readonly because: string }
  | { readonly do: 'together'; readonly title: string; readonly todos: readonly Todo[] }

/** What is left to do, in order. A pure function of the state, so a resume just computes it again. */
export interface Agenda {
  /** `turn`: a step failed before the point of no return, so the run starts to roll back. */
  readonly act: 'forward' | 'turn' | 'back' | 'lastly' | 'settle'
  readonly todos: readonly Todo[]
  /** Outcome of the run once nothing is left. */
  readonly outcome: Outcome
  readonly failure: Failure | null
}

/**
 * Forward: all steps that have not succeeded, in order. Back: all steps whose effect may be there, including
 * the failed one, in reverse. Then the `lastly` steps, then the outcome.
 */
export function agendaOf(state: RunState): Agenda {
  const steps = state.plan.steps.filter((step) => step.phase !== 'lastly')
  if (state.way === 'forward') {
    const failed = steps.find((step) => stepState(state, step).status === 'failed')
    if (failed === undefined) {
      const todos = forward(state, steps)
      return todos.length > 0
        ? { act: 'forward', todos, outcome: 'succeeded', failure: null }
        : ending(state, 'succeeded', null)
    }
    const { failure } = stepState(state, failed)
    if (!state.pivoted) return { act: 'turn', todos: [], outcome: 'rolled-back', failure }
    // After the point of no return a failure waits for a person, who may resume.
    return ending(state, 'needs-human', failure)
  }
  const stuck = steps.find((step) => stepState(state, step).undo === 'failed')
  if (stuck !== undefined) return ending(state, 'needs-human', undoFailure(state, stuck))
  const todos = undosIn(state)
  return todos.length > 0
    ? { act: 'back', todos, outcome: 'rolled-back', failure: state.turned?.failure ?? null }
    : ending(state, 'rolled-back', state.turned?.failure ?? null)
}

/** Id of the first step of the agenda, if none is in progress: a process looks at it, or is about to begin it. */
export function nextIn(state: RunState): string | null {
  const inProgress = [...state.steps.values()].some(
    ({ status, undo }) => status === 'doubt' || undo === 'doubt',
  )
  const [first] = inProgress ? [] : agendaOf(state).todos
  return first !== undefined && 'step' in first ? first.step.id : null
}

/** What a rollback would undo now: the steps whose effect may be there, newest first. */
export function undosIn(state: RunState): readonly Todo[] {
  return state.plan.steps
    .filter((step) => step.phase !== 'lastly' && step.reversal !== 'not needed')
    .filter((step) => stepState(state, step).attempts > 0 && stepState(state, step).undo !== 'undone')
    .reverse()
    .map((step) => ({ do: 'undo', step }))
}

function stepState(state: RunState, step: PlannedStep): StepState {
  const found = state.steps.get(step.id)
  if (found === undefined) throw new RunbookError('bug', `step ${step.id} not found in the plan`)
  return found
}

function forward(state: RunState, steps: readonly PlannedStep[]): readonly Todo[] {
  const lookup = lookupIn(state)
  const todos: Todo[] = []
  const together = new Map<string, Todo[]>()
  for (const [index, step] of steps.entries()) {
    if (state.plan.pivot?.before === index && !state.pivoted)
      todos.push({ do: 'pivot', because: state.plan.pivot.because })
    const { status } = stepState(state, step)
    if (status === 'done' || status === 'skipped') continue
    const because = notTaken(step, lookup)
    const todo: Todo =
      typeof because === 'string'
        ? { do: 'skip', step, because }
        : { do: status === 'doubt' ? 'settle-doubt' : 'run', step }
    if (step.group === null) todos.push(todo)
    else {
      const group = together.get(step.group) ?? []
      if (group.length === 0) todos.push({ do: 'together', title: step.group, todos: group })
      together.set(step.group, group)
      group.push(todo)
    }
  }
  if (state.plan.pivot?.before === steps.length && !state.pivoted)
    todos.push({ do: 'pivot', because: state.plan.pivot.because })
  return todos
}

function ending(state: RunState, outcome: Outcome, failure: Failure | null): Agenda {
  const lastly = state.plan.steps.filter((step) => step.phase === 'lastly')
  const failed = lastly.find((step) => stepState(state, step).status === 'failed')
  const todos = lastly
    .filter((step) => ['waiting', 'doubt'].includes(stepState(state, step).status))
    .map((step): Todo => ({ do: stepState(state, step).status === 'doubt' ? 'settle-doubt' : 'run', step }))
  if (todos.length > 0) return { act: 'lastly', todos, outcome, failure }
  if (failed !== undefined && outcome === 'succeeded') {
    return { act: 'settle', todos: [], outcome: 'needs-human', failure: stepState(state, failed).failure }
  }
  return { act: 'settle', todos: [], outcome, failure }
}

function undoFailure(state: RunState, step: PlannedStep): Failure {
  const { failure } = stepState(state, step)
  return {
    code: 'rollback-incomplete',
    message: `cannot undo "${step.title}"${failure === null ? '' : `: ${failure.message}`}`,
    ...(failure?.hint === undefined ? {} : { hint: failure.hint }),
  }
}
