import { systemClock } from '../kernel/clock.ts'
import { oneLine } from '../kernel/sanitize.ts'
import { isOpen, type JournalView } from '../run/journal/journal.ts'
import { Changes } from '../views/changes.ts'
import { endedAs } from '../views/history.ts'
import { isRunning, statusText, type OpenRun } from '../views/status.ts'
import { jsonOf } from './commands/status.ts'
import type { CliContext } from './context.ts'
import { readJournal } from './journal.ts'
import { OpenRuns } from './open-runs.ts'
import { redrawnOn, type Redrawn } from './redrawn.ts'
import { poll } from './poll.ts'

/** Shows the runs that are open now until none of them is running any more, and then how each ended. */
export async function watchRuns(context: CliContext, { json }: { readonly json: boolean }): Promise<void> {
  await readJournal(context, async (journal) => {
    const lines = (await journal.runs({ pending: true })).filter(isOpen)
    const readOpen = new OpenRuns(journal)
    const screen = json ? null : await redrawnOn(process.stdout, context.environment)
    const show = viewOf(context, json, screen)
    const seen = await poll({
      clock: systemClock,
      look: () => Promise.all(lines.map((line) => readOpen.read(line))),
      show,
      goesOn: (open) => open.some(isRunning),
    })
    screen?.done()
    await reportEnd(context, journal, seen, json)
  })
}

/** How each run ended, or what to type next where it is still open. */
export async function reportEnd(
  context: CliContext,
  journal: JournalView,
  seen: readonly OpenRun[],
  json: boolean,
): Promise<void> {
  const left: OpenRun[] = []
  for (const open of seen) {
    const line = (await journal.runs({ id: open.run })).find(({ run }) => run === open.run)
    if (line === undefined || isOpen(line)) left.push(open)
    else {
      const { run, runbook, target } = line
      const ended = endedAs({ ...line, damage: null })
      if (json) context.json({ run, runbook, target, ended })
      else
        context.terminal.show(
          `${run}  ${oneLine(open.state.plan.title)} on ${oneLine(target)} has ended: ${ended}\n`,
        )
    }
  }
  if (!json && (left.length > 0 || seen.length === 0))
    context.terminal.show(context.asTyped(statusText(left, { now: systemClock.now() })))
}

function viewOf(
  context: CliContext,
  json: boolean,
  screen: Redrawn | null,
): (open: readonly OpenRun[]) => void {
  if (json) {
    const known = new Map<string, string>()
    return (open) => {
      for (const one of open) {
        const key = JSON.stringify([[...one.state.steps], one.state.settled, isRunning(one)])
        if (known.get(one.run) === key) continue
        known.set(one.run, key)
        context.json(jsonOf(one, systemClock.now()))
      }
    }
  }
  if (screen !== null)
    return (open) => {
      const running = open.filter(isRunning)
      const text = statusText(running, { now: systemClock.now(), width: screen.width() })
      screen.draw(running.length === 0 ? '' : context.terminal.redactor.text(context.asTyped(text)))
    }
  const changes = new Changes()
  return (open) => {
    const now = systemClock.now()
    for (const line of open.filter(isRunning).flatMap((one) => changes.linesOf(one, now)))
      context.terminal.show(`${context.asTyped(line)}\n`)
  }
}
