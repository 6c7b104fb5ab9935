import { cannot } from '../kernel/errors.ts'
import { oneLine } from '../kernel/sanitize.ts'
import { replan } from '../run/replan.ts'
import { needsWork, resume } from '../run/resume.ts'
import type { Result } from '../run/engine/ending.ts'
import { stateOf, type RunState } from '../run/journal/state.ts'
import type { CliContext } from './context.ts'
import { answersFrom, type AnswerFlags } from './duties.ts'
import { readJournal } from './journal.ts'
import { runSession } from './session.ts'

export type ContinuationFlags = AnswerFlags & {
  readonly acceptChanges?: true
  readonly acceptUnmasked?: true
  readonly yes?: true
  readonly confirm?: string
  readonly json?: true
  /** Shows nothing. */
  readonly quiet?: boolean
}

/**
 * Resumes a run or rolls it back, for a person and for the watch: with today's plan, compared with that of the run.
 * @throws RunbookError as `resume`, and `changed` where its plan changed and nobody accepted that
 */
export async function continueRun(
  context: CliContext,
  run: string,
  way: 'forward' | 'back',
  flags: ContinuationFlags,
): Promise<Result> {
  const entries = await readJournal(context, (journal) => journal.read(run))
  const state = stateOf(entries)
  await context.maskSecretsOf(state.plan)
  // Sealing runs no step, so today's runbook may have changed or be gone.
  const { planned, difference } = needsWork(state)
    ? await replan(context, state.plan)
    : { planned: { plan: state.plan, steps: new Map() }, difference: null }
  if (difference !== null && flags.acceptChanges !== true) {
    context.terminal.err(`${difference}\n`)
    throw cannot(
      way === 'back' ? 'roll back' : 'resume',
      run,
      'its runbook, parameters or target changed since it began, as shown above',
      {
        code: 'changed',
        hint: 'restore the old files, or add --accept-changes: the run keeps its plan, and its steps run with the current code',
      },
    )
  }
  // The run asks what its own plan asks, also where a duty has another name by now.
  const answers = answersFrom(flags, { plan: state.plan, steps: planned.steps })
  const options = {
    json: flags.json === true,
    quiet: flags.quiet === true,
    confirm: flags.confirm ?? null,
    yes: flags.yes === true,
    answers,
    earlier: way === 'back' ? [] : titlesDone(state),
    begun: entries,
  }
  return runSession(context, options, (runtime) =>
    resume(runtime, {
      run,
      way,
      planned,
      accepted: difference,
      remarks: context.remarks,
      unmasked: flags.acceptUnmasked === true,
    }),
  )
}

const titlesDone = (state: RunState): readonly string[] =>
  state.plan.steps
    .filter((step) => state.steps.get(step.id)?.status === 'done' && step.phase !== 'lastly')
    .map((step) => oneLine(step.title))
