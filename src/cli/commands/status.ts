import type { Command } from 'commander'
import { systemClock } from '../../kernel/clock.ts'
import type { JsonObject } from '../../kernel/json.ts'
import type { Stored } from '../../run/journal/entry.ts'
import { isOpen, isUnsealed } from '../../run/journal/journal.ts'
import { holderOf } from '../../run/journal/leases.ts'
import { endedAs } from '../../views/history.ts'
import type { OpenRun, UnsealedRun } from '../../views/status.ts'
import { errorReportOf } from '../error-report.ts'
import type { CliContext } from '../context.ts'
import { checkedRuns, mostChecked, readJournal } from '../journal.ts'
import { OpenRuns } from '../open-runs.ts'

type Options = { readonly json?: boolean; readonly watch?: boolean }

export function statusCommand(program: Command, context: CliContext): void {
  program
    .command('status')
    .description('show the open runs, the state of each step, and what to type next')
    .option('--watch', 'go on showing the runs that are running now, until they have ended')
    .option('--json', 'print one JSON object per line; with --watch, whenever something changes')
    .action(async ({ json = false, watch = false }: Options) => {
      if (watch) {
        const { watchRuns } = await import('../watch-runs.ts')
        return watchRuns(context, { json })
      }
      const { open, unsealed, damages } = await readJournal(context, async (journal) => {
        const readOpen = new OpenRuns(journal)
        const open: OpenRun[] = []
        const unsealed: UnsealedRun[] = []
        const read = new Map<string, readonly Stored[]>()
        const newest = await journal.runs({ newest: mostChecked })
        const known = new Set(newest.map(({ run }) => run))
        const older = (await journal.runs({ pending: true })).filter(({ run }) => !known.has(run))
        const { runs, damages } = await checkedRuns(journal, [...newest, ...older], (run, entries) =>
          read.set(run, entries),
        )
        // One damaged run must not hide the others.
        for (const line of runs) {
          const { run } = line
          const entries = read.get(run)
          if (entries === undefined || (!isOpen(line) && !isUnsealed(line))) continue
          const holder = (await holderOf(journal, line))?.holder ?? null
          if (isOpen(line)) open.push(await readOpen.of(run, entries, holder))
          else if (holder === null) unsealed.push({ ...line, ended: endedAs(line) })
        }
        return { open, unsealed, damages }
      })
      await tell(context, open, unsealed, json)
      for (const thrown of damages.slice(1)) context.terminal.err(context.asTyped(errorReportOf(thrown).text))
      if (damages[0] !== undefined) throw damages[0]
    })
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
    const width = context.terminal.width()
    return context.terminal.show(context.asTyped(statusText(open, { unsealed, now, width })))
  }
  for (const { run, runbook, target, startedAt, ended } of unsealed)
    context.json({ run, runbook, target, startedAt, ended, sealed: false })
  for (const one of open) context.json(jsonOf(one, now))
}

/** An open run as JSON. */
export function jsonOf({ run, state, standing, holder, times, timeLeft }: OpenRun, now: Date): JsonObject {
  return {
    run,
    runbook: state.plan.runbook,
    target: state.plan.target['name'] ?? null,
    startedAt: state.startedAt,
    way: state.way,
    pivoted: state.pivoted,
    settled: state.settled,
    sealed: state.sealed,
    holder,
    running: holder?.run === run,
    elapsedSeconds: Math.max(0, Math.round((now.getTime() - Date.parse(state.startedAt)) / 1000)),
    timeLeft: timeLeft ?? null,
    standing,
    steps: state.plan.steps.map((step) => ({
      id: step.id,
      title: step.title,
      ...state.steps.get(step.id),
      ...times.get(step.id),
    })),
  } as unknown as JsonObject
}
