import type { Command } from 'commander'
import { endedAs, historyText } from '../../views/history.ts'
import { errorReportOf } from '../error-report.ts'
import type { CliContext } from '../context.ts'
import { checkedRuns, readJournal } from '../journal.ts'

export function historyCommand(program: Command, context: CliContext): void {
  program
    .command('history')
    .description('show every run, newest first')
    .option('--json', 'print one JSON object per line')
    .action(async ({ json }: { readonly json?: true }) => {
      const { runs, damages } = await readJournal(context, checkedRuns)
      if (json !== true) context.terminal.out(historyText(runs))
      else
        for (const { damage, ...run } of runs)
          context.terminal.json({
            ...run,
            ended: endedAs({ ...run, damage }),
            damage: damage ?? null,
            checked: damage !== undefined,
          })
      for (const damage of damages.slice(1)) context.terminal.err(context.asTyped(errorReportOf(damage).text))
      if (damages[0] !== undefined) throw damages[0]
    })
}
