import type { Command } from 'commander'
import { systemClock } from '../../kernel/clock.ts'
import { isOpen } from '../../run/journal/journal.ts'
import type { PastRun } from '../../run/record/past-run.ts'
import { endedAs } from '../../views/history.ts'
import { errorReportOf } from '../error-report.ts'
import type { CliContext } from '../context.ts'
import { instantOf } from '../instants.ts'
import { checkedRuns, readJournal } from '../journal.ts'

type Options = {
  readonly target?: string
  readonly runbook?: string
  readonly since?: string
  readonly all?: true
  readonly json?: true
}

/** A page of text; programs get all. */
const shown = 50

export function historyCommand(program: Command, context: CliContext): void {
  program
    .command('history')
    .description('show every run, newest first, with its exit code, duration and measures')
    .option('--target <name>', 'only runs on this target')
    .option('--runbook <name>', 'only runs of this runbook')
    .option(
      '--since <time>',
      "only runs that began since then: 2026-02-03, 2026-02-03T04:12:00Z, or '31d' ago",
    )
    .option(
      '--all',
      `every run: without it, and without --since or --json, only the newest ${shown} are shown`,
    )
    .option('--json', 'print one JSON object per line')
    .action(async ({ target, runbook, since, all, json }: Options) => {
      const [{ pastRunOf }, { historyText }, { openLine }] = await Promise.all([
        import('../../run/record/past-run.ts'),
        import('../../views/past-runs.ts'),
        import('../../views/standing.ts'),
      ])
      const from = since === undefined ? null : await instantOf(since, 'list runs since', systemClock.now())
      const wanted = { target, runbook, since: from?.toISOString() }
      const newest = all === true || from !== null || json === true ? undefined : shown
      const past = new Map<string, PastRun>()
      const open: string[] = []
      const { runs, damages, more } = await readJournal(context, async (journal) => {
        const lines = await journal.runs({ ...wanted, newest })
        return {
          ...(await checkedRuns(journal, lines, (run, entries) => {
            past.set(run, pastRunOf(entries))
            if (lines.some((line) => line.run === run && isOpen(line))) open.push(openLine(run, entries))
          })),
          more: newest === undefined ? 0 : (await journal.count(wanted)) - lines.length,
        }
      })
      const filtered = target !== undefined || runbook !== undefined || from !== null
      if (json !== true) {
        context.terminal.show(
          historyText(
            runs.map((run) => ({ ...run, past: past.get(run.run) ?? null })),
            { filtered, more, width: context.terminal.width() },
          ),
        )
        if (open.length > 0) context.terminal.show(context.asTyped(`\n${open.join('\n')}\n`))
      } else
        for (const { damage, ...run } of runs)
          context.json({
            ...run,
            ended: endedAs({ ...run, damage }),
            damage: damage ?? null,
            checked: damage !== undefined,
            ...(past.get(run.run) ?? { endedAt: null, seconds: null, exit: null, measures: null }),
          })
      for (const damage of damages.slice(1)) context.terminal.err(context.asTyped(errorReportOf(damage).text))
      if (damages[0] !== undefined) throw damages[0]
    })
}
