import type { Command } from 'commander'
import { systemClock } from '../../kernel/clock.ts'
import type { Holder, Stored } from '../../run/journal/entry.ts'
import { isOpen, isUnsealed } from '../../run/journal/journal.ts'
import { stateOf } from '../../run/journal/state.ts'
import { standingOf } from '../../run/journal/standing.ts'
import { stepTimesOf } from '../../run/journal/step-times.ts'
import { endedAs } from '../../views/history.ts'
import type { OpenRun, UnsealedRun } from '../../views/status.ts'
import { errorReportOf } from '../error-report.ts'
import type { CliContext } from '../context.ts'
import { checkedRuns, readJournal } from '../journal.ts'

export function statusCommand(program: Command, context: CliContext): void {
  program
    .command('status')
    .description('show the open runs, the state of each step, and what to type next')
    .option('--json', 'print one JSON object per line')
    .action(async ({ json }: { readonly json?: true }) => {
      const { open, unsealed, damages } = await readJournal(context, async (journal) => {
        const { runs, damages } = await checkedRuns(journal)
        const open: OpenRun[] = []
        const unsealed: UnsealedRun[] = []
        // One damaged run must not hide the others.
        for (const line of runs.filter(({ damage }) => typeof damage !== 'string')) {
          const { run } = line
          if (!isOpen(line) && !isUnsealed(line)) continue
          const holder = await journal.holder(line.system)
          if (isOpen(line)) {
            const entries = await journal.read(run)
            open.push(await openRunOf(run, entries, holder))
          } else if (holder?.run !== run) unsealed.push({ ...line, ended: endedAs(line) })
        }
        return { open, unsealed, damages }
      })
      await tell(context, open, unsealed, json === true)
      for (const thrown of damages.slice(1)) context.terminal.err(context.asTyped(errorReportOf(thrown).text))
      if (damages[0] !== undefined) throw damages[0]
    })
}

async function openRunOf(run: string, entries: readonly Stored[], holder: Holder | null): Promise<OpenRun> {
  const state = stateOf(entries)
  const { nextIn } = await import('../../run/engine/agenda.ts')
  return {
    run,
    state,
    standing: standingOf(entries),
    holder,
    times: stepTimesOf(entries),
    next: nextIn(state),
  }
}

async function tell(
  context: CliContext,
  open: readonly OpenRun[],
  unsealed: readonly UnsealedRun[],
  json: boolean,
): Promise<void> {
  const now = systemClock.now()
  if (!json) {
    const { statusText } = await import('../../views/status.ts')
    return context.terminal.out(context.asTyped(statusText(open, { unsealed, now })))
  }
  for (const { run, runbook, target, startedAt, ended } of unsealed)
    context.terminal.json({ run, runbook, target, startedAt, ended, sealed: false })
  for (const { run, state, standing, holder, times } of open) {
    context.terminal.json({
      run,
      runbook: state.plan.runbook,
      target: state.plan.target['name'],
      startedAt: state.startedAt,
      way: state.way,
      pivoted: state.pivoted,
      settled: state.settled,
      sealed: state.sealed,
      holder,
      running: holder?.run === run,
      elapsedSeconds: Math.max(0, Math.round((now.getTime() - Date.parse(state.startedAt)) / 1000)),
      standing,
      steps: state.plan.steps.map((step) => ({
        id: step.id,
        title: step.title,
        ...state.steps.get(step.id),
        ...times.get(step.id),
      })),
    })
  }
}
