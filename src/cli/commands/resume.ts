import type { Command } from 'commander'
import { cannot } from '../../kernel/errors.ts'
import { stateOf, type RunState } from '../../run/journal/state.ts'
import { oneLine } from '../../kernel/sanitize.ts'
import type { CliContext } from '../context.ts'
import { answerFlags, answersFrom, collect, type AnswerFlags } from '../duties.ts'
import { readJournal, chosenRun } from '../journal.ts'

type Flags = AnswerFlags & {
  readonly acceptChanges?: true
  readonly acceptUnmasked?: true
  readonly yes?: true
  readonly confirm?: string
  readonly json?: true
}

export function resumeCommand(program: Command, context: CliContext): void {
  addContinuation(
    program.command('resume').description('continue a run that was interrupted or waits for a person'),
    context,
    'forward',
  )
}

export function rollbackCommand(program: Command, context: CliContext): void {
  addContinuation(
    program.command('rollback').description('undo what an open run has done, newest step first'),
    context,
    'back',
  )
}

function addContinuation(command: Command, context: CliContext, way: 'forward' | 'back'): void {
  command
    .argument('[id]', 'run id, or a unique prefix or suffix of it; optional if exactly one run is open')
    .option(
      '--accept-changes',
      'continue although the runbook, its parameters or its target changed since the run began',
    )
    .option(
      '--accept-unmasked',
      'continue although secrets that were masked so far cannot be read here, so that output may show them',
    )
    .option('--yes', 'answer yes to questions that ask for no phrase')
    .option('--confirm <phrase>', 'the phrase that the runbook asks for, where there is no terminal')
    .option(...answerFlags[0], collect)
    .option(...answerFlags[1], collect)
    .option('--json', 'print one JSON object per line: events, then the result')
    .action(async (id: string | undefined, flags: Flags) => {
      const { run, state, entries } = await readJournal(context, async (journal) => {
        const run = await chosenRun(journal, id, way, (text) => context.terminal.err(text))
        const entries = await journal.read(run)
        return { run, state: stateOf(entries), entries }
      })
      const [{ replan }, { needsWork, resume }, { runSession }] = await Promise.all([
        import('../../run/replan.ts'),
        import('../../run/resume.ts'),
        import('../session.ts'),
      ])
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
        confirm: flags.confirm ?? null,
        yes: flags.yes === true,
        answers,
        earlier: way === 'back' ? [] : titlesDone(state),
        begun: entries,
      }
      await runSession(context, options, (runtime) =>
        resume(runtime, {
          run,
          way,
          planned,
          accepted: difference,
          remarks: context.remarks,
          unmasked: flags.acceptUnmasked === true,
        }),
      )
    })
}

const titlesDone = (state: RunState): readonly string[] =>
  state.plan.steps
    .filter((step) => state.steps.get(step.id)?.status === 'done' && step.phase !== 'lastly')
    .map((step) => oneLine(step.title))
