import type { Command } from 'commander'
import { RunbookError } from '../../kernel/errors.ts'
import { replan } from '../../run/replan.ts'
import { resume } from '../../run/resume.ts'
import { stateOf, type RunState } from '../../run/journal/state.ts'
import { oneLine } from '../../kernel/sanitize.ts'
import type { CliContext } from '../context.ts'
import { answerFlags, answersFrom, gather, type AnswerFlags } from '../duties.ts'
import { readJournal, runMeant } from '../journal.ts'
import { runSession } from '../session.ts'

type Flags = AnswerFlags & {
  readonly acceptChanges?: true
  readonly yes?: true
  readonly confirm?: string
  readonly json?: true
}

export function resumeCommand(program: Command, desk: CliContext): void {
  goingOn(
    program.command('resume').description('go on with a run that was interrupted or waits for a person'),
    desk,
    'forward',
  )
}

export function rollbackCommand(program: Command, desk: CliContext): void {
  goingOn(
    program.command('rollback').description('take back what an open run has done, newest step first'),
    desk,
    'back',
  )
}

function goingOn(command: Command, desk: CliContext, way: 'forward' | 'back'): void {
  command
    .argument(
      '[id]',
      'the run, or the beginning or end of its name; may be left out while exactly one is open',
    )
    .option(
      '--accept-changes',
      'go on although the runbook, its parameters or its target changed since the run began',
    )
    .option('--yes', 'answer yes where no phrase has to be typed')
    .option('--confirm <phrase>', 'the phrase that the runbook asks for, where nobody is at a terminal')
    .option(...answerFlags[0], gather)
    .option(...answerFlags[1], gather)
    .option('--json', 'print one JSON object a line: events, then the result')
    .action(async (id: string | undefined, flags: Flags) => {
      const { run, state } = await readJournal(desk, async (journal) => {
        const run = await runMeant(journal, id, (text) => desk.terminal.err(text))
        return { run, state: stateOf(await journal.read(run)) }
      })
      const { planned, difference } = await replan(desk, state.plan)
      if (difference !== null && flags.acceptChanges !== true) {
        desk.terminal.err(`${difference}\n`)
        throw new RunbookError(
          'changed',
          `will not go on with ${run}: its runbook, parameters or target changed since it began, as shown above`,
          {
            hint: 'put the old files back, or add --accept-changes: the run keeps its own plan, and its steps are carried out by the code of today',
          },
        )
      }
      const answers = answersFrom(flags, planned)
      const manner = {
        json: flags.json === true,
        confirm: flags.confirm ?? null,
        yes: flags.yes === true,
        answers,
        earlier: way === 'back' ? [] : doneIn(state),
      }
      await runSession(desk, manner, (around) => resume(around, { run, way, planned, accepted: difference }))
    })
}

const doneIn = (state: RunState): readonly string[] =>
  state.plan.steps
    .filter((step) => state.steps.get(step.id)?.status === 'done' && step.phase !== 'lastly')
    .map((step) => oneLine(step.title))
