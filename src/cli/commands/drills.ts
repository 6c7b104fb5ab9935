import type { Command } from 'commander'
import { exits, RunbookError } from '../../kernel/errors.ts'
import type { Runbook } from '../../model/runbook.ts'
import type { Target } from '../../model/target.ts'
import type { TargetDrills } from '../../views/drills.ts'
import { lacking, type CliContext } from '../context.ts'
import { readJournal } from '../journal.ts'

type Flags = { readonly target?: string; readonly check?: true; readonly json?: true }

export function drillsCommand(program: Command, context: CliContext): void {
  program
    .command('drills')
    .description('show how often each proof is due, the run that last proved it, and what is overdue')
    .option('--target <name>', 'of this target only')
    .option('--check', 'exit with 3 if a proof is overdue, missing, or cannot run')
    .option('--json', 'print one JSON object per line')
    .action(async ({ target: named, check, json }: Flags) => {
      const targets = named === undefined ? await context.targets() : [await context.target(named)]
      const [{ journalFacts }, { drillCalendar }, { drillsText, dueIn }] = await Promise.all([
        import('../../run/readiness/journal-facts.ts'),
        import('../../run/readiness/drill-calendar.ts'),
        import('../../views/drills.ts'),
      ])
      const books = (await (await context.catalog()).all()).map(({ book }) => book)
      const now = new Date()
      const calendars = await readJournal(context, async (journal) => {
        const facts = await journalFacts(async () => journal)
        if (facts.problem !== null)
          throw new RunbookError(facts.problem.code, facts.problem.message, {
            hint: facts.problem.hint ?? 'keep the state folder as it is; `runbook doctor` says more',
          })
        const found: TargetDrills[] = []
        for (const target of targets)
          found.push({
            target: target.name,
            drills: await drillCalendar(target, whyNotOn(target, books), facts, now),
          })
        return found
      })
      const due = calendars.flatMap(({ drills }) => dueIn(drills)).length
      const exit = check === true && due > 0 ? exits.preflight.exit : exits.succeeded.exit
      if (json === true) {
        for (const { target, drills } of calendars)
          for (const one of drills) context.terminal.json({ event: 'drill', target, ...one })
        context.terminal.json({ event: 'result', exit, due })
      } else context.terminal.out(context.asTyped(drillsText(calendars, now)))
      process.exitCode = exit
    })
}

const whyNotOn =
  (target: Target, books: readonly Runbook[]) =>
  (drill: string): string | null => {
    const book = books.find(({ name }) => name === drill)
    if (book === undefined) return 'runbook not found'
    const missing = lacking(book, target)
    return missing.length === 0 ? null : `${target.name} lacks ${missing.join(', ')}`
  }
