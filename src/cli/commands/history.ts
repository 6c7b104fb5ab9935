import type { Command } from 'commander'
import { endedAs, historyText } from '../../views/history.ts'
import type { CliContext } from '../context.ts'
import { readJournal } from '../journal.ts'

export function historyCommand(program: Command, context: CliContext): void {
  program
    .command('history')
    .description('show every run, newest first')
    .option('--json', 'print one JSON object per line')
    .action(async ({ json }: { readonly json?: true }) => {
      const runs = await readJournal(context, (journal) => journal.runs())
      if (json !== true) context.terminal.out(historyText(runs))
      else for (const run of runs) context.terminal.json({ ...run, ended: endedAs(run) })
    })
}
