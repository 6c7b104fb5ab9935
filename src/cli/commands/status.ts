import type { Command } from 'commander'
import { isOpen } from '../../run/journal/journal.ts'
import { stateOf } from '../../run/journal/state.ts'
import { statusText, type OpenRun } from '../../views/status.ts'
import { complaintOf } from '../error-report.ts'
import type { CliContext } from '../context.ts'
import { readJournal } from '../journal.ts'

export function statusCommand(program: Command, desk: CliContext): void {
  program
    .command('status')
    .description('show the open runs, how each step stands, and what to type next')
    .option('--json', 'print one JSON object a line')
    .action(async ({ json }: { readonly json?: true }) => {
      const damaged: unknown[] = []
      const open = await readJournal(desk, async (journal) => {
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
      tell(desk, open, json === true)
      for (const thrown of damaged.slice(1)) desk.terminal.err(desk.asTyped(complaintOf(thrown).text))
      if (damaged.length > 0) throw damaged[0]
    })
}

function tell(desk: CliContext, open: readonly OpenRun[], json: boolean): void {
  if (!json) return desk.terminal.out(desk.asTyped(statusText(open)))
  for (const { run, state, holder } of open) {
    desk.terminal.json({
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
