import { hostname } from 'node:os'
import type { Command } from 'commander'
import type { CliContext } from '../context.ts'
import { findRun } from '../journal.ts'

type Flags = { readonly note?: string }

export function ackCommand(program: Command, context: CliContext): void {
  program
    .command('ack')
    .description('say that you take a run that waits: nobody else is called, and the watch leaves it alone')
    .argument('<id>', 'run id, or a unique prefix or suffix of it')
    .showHelpAfterError(
      'hint: `runbook status` lists the open runs; add --help to see the arguments and flags',
    )
    .option('--note <text>', 'recorded in the journal, with who and when')
    .action(async (id: string, { note }: Flags) => {
      const [{ openJournal }, { thisProcess }, { whoAnswers }, { systemClock }, { acknowledge }] =
        await Promise.all([
          import('../../adapters/journal/open.ts'),
          import('../../adapters/journal/process-identity.ts'),
          import('../../adapters/terminal/people.ts'),
          import('../../kernel/clock.ts'),
          import('../../run/watch.ts'),
        ])
      const { state } = await context.loaded()
      const journal = await openJournal(state)
      try {
        const line = await findRun(journal, id)
        await acknowledge(
          {
            journal,
            identity: { ...thisProcess(whoAnswers(context.environment)), host: hostname() },
            clock: systemClock,
            mask: context.terminal.redactor,
          },
          line,
          context.recorded(note),
        )
        const { acknowledgedText } = await import('../../views/acknowledged.ts')
        const entries = await journal.read(line.run)
        context.terminal.show(context.asTyped(context.masked(acknowledgedText(line.run, entries))))
      } finally {
        await journal.close()
      }
    })
}
