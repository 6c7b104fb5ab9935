import type { Command } from 'commander'
import { isOpen } from '../../run/journal.ts'
import { stateOf } from '../../run/state.ts'
import { statusText, type OpenRun } from '../../views/status.ts'
import type { Desk } from '../desk.ts'
import { readJournal } from '../journal.ts'

export function statusCommand(program: Command, desk: Desk): void {
  program
    .command('status')
    .description('show the open runs, how each step stands, and what to type next')
    .option('--json', 'print one JSON object a line')
    .action(async ({ json }: { readonly json?: true }) => {
      const open = await readJournal(desk, async (journal) => {
        const lines = (await journal.runs()).filter(isOpen)
        return Promise.all(lines.map(async (line): Promise<OpenRun> => {
          const [entries, holder] = [await journal.read(line.run), await journal.holder(line.system)]
          return { run: line.run, state: stateOf(entries), holder }
        }))
      })
      if (json !== true) return desk.terminal.out(statusText(open))
      for (const { run, state, holder } of open) {
        desk.terminal.json({
          run, runbook: state.plan.runbook, target: state.plan.target['name'], startedAt: state.startedAt, way: state.way, pivoted: state.pivoted,
          settled: state.settled, holder, steps: state.plan.steps.map((step) => ({ id: step.id, title: step.title, ...state.steps.get(step.id) })),
        })
      }
    })
}
