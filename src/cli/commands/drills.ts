import type { Command } from 'commander'
import { exits } from '../../kernel/errors.ts'
import { missingSections, type Target } from '../../model/target.ts'
import type { TargetDrills } from '../../views/drills.ts'
import type { CliContext } from '../context.ts'
import type { ListedBook } from '../catalog.ts'
import { errorReportOf } from '../error-report.ts'
import { readJournal } from '../journal.ts'

type Flags = { readonly target?: string; readonly json?: true }

export function drillsCommand(program: Command, context: CliContext): void {
  const drills = program
    .command('drills')
    .description('show how often each proof is due, the run that last proved it, and what is overdue')
    .option('--target <name>', 'of this target only')
    .option('--check', 'exit with 3 if a proof is overdue, missing, or cannot run')
    .option('--json', 'print one JSON object per line')
    .action(async ({ check, json, ...flags }: Flags & { readonly check?: true }) => {
      const now = new Date()
      const calendars = await calendarsOf(context, flags, now)
      const { drillsText, dueIn } = await import('../../views/drills.ts')
      const due = calendars.flatMap(({ drills: all }) => dueIn(all)).length
      const exit = check === true && due > 0 ? exits.preflight.exit : exits.succeeded.exit
      if (json === true) {
        for (const { target, drills: all } of calendars)
          for (const one of all) context.json({ event: 'drill', target, ...one })
        context.json({ event: 'result', exit, due })
      } else context.terminal.show(context.asTyped(drillsText(calendars, now, context.terminal.width())))
      process.exitCode = exit
    })
  drills
    .command('run')
    .description('run each proof that is due, one after another; for a timer')
    .option('--target <name>', 'of this target only')
    .option('--story <id>', 'the story that the evidence belongs to', 'drills')
    .option('--json', 'print one JSON object per line: events, then the result of each run')
    .action(async (flags: Flags & { readonly story: string }, command: Command) => {
      process.exitCode = await runDue(context, command, flags)
    })
}

/** @returns the exit code of the first proof that did not succeed */
async function runDue(
  context: CliContext,
  command: Command,
  flags: Flags & { readonly story: string },
): Promise<number> {
  const [{ isTimeFor }, { runByName }] = await Promise.all([
    import('../../run/readiness/drill-calendar.ts'),
    import('./run.ts'),
  ])
  const now = new Date()
  const due = (await calendarsOf(context, flags, now)).flatMap(({ target, drills }) =>
    drills.filter((one) => isTimeFor(one, now)).map(({ drill }) => ({ target, drill })),
  )
  if (due.length === 0 && flags.json !== true) context.terminal.show('No proof is due.\n')
  let worst = 0
  for (const { target, drill } of due) {
    const words = ['--target', target, '--story', flags.story, '--reason', 'the proof is due']
    let exit: number
    try {
      await runByName(context, command, drill, flags.json === true ? [...words, '--json'] : words)
      exit = Number(process.exitCode ?? 0)
    } catch (thrown) {
      const { code, text } = errorReportOf(thrown)
      context.terminal.err(context.asTyped(text))
      exit = exits[code].exit
      if (code === 'held') {
        // Another host may be doing it; if not, it is still due the next time.
        context.terminal.err(`${drill} on ${target} is put off: the target is in use\n`)
        exit = 0
      }
    }
    if (worst === 0) worst = exit
    if (stops.includes(exit)) break
  }
  return worst
}

/** Somebody asked this process to end, not only the run. */
const stops: readonly number[] = [exits.hangup.exit, exits.interrupted.exit, exits.terminated.exit]

async function calendarsOf(
  context: CliContext,
  { target: named }: Pick<Flags, 'target'>,
  now: Date,
): Promise<readonly TargetDrills[]> {
  const targets = named === undefined ? await context.targets() : [await context.target(named)]
  const { drillCalendar } = await import('../../run/readiness/drill-calendar.ts')
  const books = await (await context.catalog()).listed()
  return readJournal(context, async (journal) => {
    const calendars: TargetDrills[] = []
    for (const target of targets)
      calendars.push({
        target: target.name,
        drills: await drillCalendar(target, whyNotOn(target, books), journal, now),
      })
    return calendars
  })
}

/** Why a drill cannot run on a target; null where it can. */
export const whyNotOn =
  (target: Target, books: readonly ListedBook[]) =>
  (drill: string): string | null => {
    const book = books.find(({ name }) => name === drill)
    if (book === undefined) return 'runbook not found'
    const missing = missingSections(book, target)
    return missing.length === 0 ? null : `${target.name} lacks ${missing.join(', ')}`
  }
