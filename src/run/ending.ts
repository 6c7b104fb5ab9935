import { failureOf, RunbookError, type Code, type Failure } from '../kernel/errors.ts'
import type { Finding } from '../model/step.ts'
import type { Outcome, Stored } from './entry.ts'
import type { EvidenceFile } from './evidence.ts'
import type { Stage } from './stage.ts'
import type { RunState } from './state.ts'

/** How a command on a run ended. The exit code follows from `code`. */
export interface Result {
  readonly run: string
  readonly code: Code
  readonly outcome: Outcome | 'open'
  readonly failure: Failure | null
  readonly findings: readonly Finding[]
  readonly folder: string
  /** Title of a step of which nobody knows whether it took effect. */
  readonly doubt: string | null
}

/** Makes what goes into the evidence folder, from the journal alone. */
export interface Sealer {
  filesOf(entries: readonly Stored[]): readonly EvidenceFile[]
}

export async function settle(sealer: Sealer, stage: Stage, outcome: Outcome, failure: Failure | null, findings: readonly Finding[]): Promise<Result> {
  await stage.record.write({ type: 'settled', outcome, failure })
  return seal(sealer, stage, { ...resultOf(stage, stage.record.state), findings })
}

export async function seal(sealer: Sealer, stage: Stage, result: Result): Promise<Result> {
  try {
    const lost = stage.losses[0]
    if (lost !== undefined) throw new RunbookError(lost.code, lost.message, lost.hint === undefined ? {} : { hint: lost.hint })
    const digest = await stage.folder.seal(sealer.filesOf(stage.record.entries))
    await stage.record.write({ type: 'sealed', folder: stage.folder.folder, digest })
    return result
  } catch (thrown) {
    const failure = failureOf(thrown)
    const message = `the run is settled as ${result.outcome}, and its evidence could not be sealed: ${failure.message}`
    return { ...result, code: result.code === 'succeeded' ? 'in-doubt' : result.code, failure: { code: 'in-doubt', message, hint: `make room, then seal it with \`runbook resume ${stage.run}\`` } }
  }
}

export function resultOf(stage: Stage, state: RunState): Result {
  const outcome = state.settled?.outcome ?? 'open'
  return { run: stage.run, code: codeOfState(state), outcome, failure: state.settled?.failure ?? null, findings: [], folder: stage.folder.folder, doubt: null }
}

/** The exit code is a function of the state alone. */
export function codeOfState(state: RunState): Code {
  const failure = state.settled?.failure ?? null
  switch (state.settled?.outcome) {
    case 'succeeded':
      return 'succeeded'
    case 'foretold':
      return failure === null ? 'succeeded' : failure.code
    case 'refused':
      return 'preflight'
    case 'rolled-back': {
      const touched = [...state.steps.entries()].some(([id, step]) => step.attempts > 0 && isActing(state, id))
      if (failure?.code === 'verification') return 'verification'
      return failure?.code === 'preflight' && !touched ? 'preflight' : 'failed'
    }
    case 'needs-human':
      return state.way === 'back' ? 'rollback-incomplete' : 'in-doubt'
    default:
      return 'in-doubt'
  }
}

const isActing = (state: RunState, id: string): boolean =>
  state.plan.steps.some((step) => step.id === id && step.phase !== 'lastly' && step.reversal !== 'not needed')

