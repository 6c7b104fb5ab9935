import type { Command } from 'commander'
import type { CliContext } from '../context.ts'
import type { ContinuationFlags } from '../continuation.ts'
import { answerFlags, collect } from '../duties.ts'
import { readJournal, chosenRun } from '../journal.ts'

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
    .action(async (id: string | undefined, flags: ContinuationFlags) => {
      const run = await readJournal(context, (journal) =>
        chosenRun(journal, id, way, (text) => context.terminal.err(text)),
      )
      const { continueRun } = await import('../continuation.ts')
      await continueRun(context, run, way, flags)
    })
}
