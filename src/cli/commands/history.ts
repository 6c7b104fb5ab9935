import type { Command } from 'commander'
import { endedAs, historyText } from '../../views/history.ts'
import type { CliContext } from '../context.ts'
import { readJournal } from '../journal.ts'

export function historyCommand(program: Command, desk: CliContext): void {
  program
    .command('history')
    .description('show every run, newest first')
    .option('--json', 'print one JSON object a line')
    .action(async ({ json }: { readonly json?: true }) => {
      const runs = await readJournal(desk, (journal) => journal.runs())
      if (json !== true) desk.terminal.out(historyText(runs))
      else for (const run of runs) desk.terminal.json({ ...run, ended: endedAs(run) })
    })
}
