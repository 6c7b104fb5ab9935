import type { Code, Failure } from '../../kernel/errors.ts'
import type { RunState } from './state.ts'

/** The exit code depends on the state alone. */
export function codeOfState(state: RunState): Code {
  const failure = state.settled?.failure ?? null
  switch (state.settled?.outcome) {
    case 'succeeded':
      return state.sealed ? 'succeeded' : 'in-doubt'
    case 'foretold':
      if (failure !== null) return failure.code
      return state.sealed ? 'succeeded' : 'in-doubt'
    case 'refused':
      return 'preflight'
    case 'rolled-back':
      return codeOfRollback(state, failure)
    case 'needs-human':
      return state.way === 'back' && failure?.code !== 'in-doubt' ? 'rollback-incomplete' : 'in-doubt'
    default:
      return codeOfOpen(state)
  }
}

function codeOfRollback(state: RunState, failure: Failure | null): Code {
  if (failure?.code === 'verification') return 'verification'
  const harmless: readonly (Code | undefined)[] = ['preflight', 'interrupted', 'terminated']
  return failure !== null && !hasTouched(state) && harmless.includes(failure.code) ? failure.code : 'failed'
}

/** Whether a step that changes something has begun, even if its effect never came. */
export const hasTouched = (state: RunState): boolean =>
  state.plan.steps.some((step) => isActing(step) && (state.steps.get(step.id)?.attempts ?? 0) > 0)

/** The `signal` of an `interrupted` entry where the run lost its lock, which no signal had asked for. */
export const lostLock = 'lock lost'

/** A stop is at a safe boundary if no effect was interrupted. */
function codeOfOpen(state: RunState): Code {
  const cutOff = state.plan.steps.some((step) => {
    const { status, undo } = state.steps.get(step.id) ?? { status: 'waiting', undo: 'none' }
    return step.reversal !== 'not needed' && (status === 'doubt' || undo === 'doubt')
  })
  if (cutOff || state.interrupted === null) return 'in-doubt'
  if (state.interrupted === lostLock) return 'held'
  return state.interrupted === 'SIGTERM' ? 'terminated' : 'interrupted'
}

const isActing = (step: RunState['plan']['steps'][number]): boolean =>
  step.phase !== 'lastly' && step.reversal !== 'not needed'
