import type { Command } from 'commander'
import { isOpen } from '../../run/journal/journal.ts'
import { stateOf } from '../../run/journal/state.ts'
import { statusText, type OpenRun } from '../../views/status.ts'
import { errorReportOf } from '../error-report.ts'
import type { CliContext } from '../context.ts'
import { readJournal } from '../journal.ts'

export function statusCommand(program: Command, context: CliContext): void {
  program
    .command('status')
    .description('show the open runs, the state of each step, and what to type next')
    .option('--json', 'print one JSON object per line')
    .action(async ({ json }: { readonly json?: true }) => {
      const damaged: unknown[] = []
      const open = await readJournal(context, async (journal) => {
        const runs: OpenRun[] = []
        for (const line of (await journal.runs()).filter(isOpen)) {
          try {
            runs.push({
              run: line.run,
              state: stateOf(await journal.read(line.run)),
              holder: await journal.holder(line.system),
            })
          } catch (thrown) {
            // One unreadable run must not hide the others.
            damaged.push(thrown)
          }
        }
        return runs
      })
      tell(context, open, json === true)
      for (const thrown of damaged.slice(1)) context.terminal.err(context.asTyped(errorReportOf(thrown).text))
      if (damaged.length > 0) throw damaged[0]
    })
}

function tell(context: CliContext, open: readonly OpenRun[], json: boolean): void {
  if (!json) return context.terminal.out(context.asTyped(statusText(open)))
  for (const { run, state, holder } of open) {
    context.terminal.json({
      run,
      runbook: state.plan.runbook,
      target: state.plan.target['name'],
      startedAt: state.startedAt,
      way: state.way,
      pivoted: state.pivoted,
      settled: state.settled,
      holder,
      steps: state.plan.steps.map((step) => ({
        id: step.id,
        title: step.title,
        ...state.steps.get(step.id),
      })),
    })
  }
}
