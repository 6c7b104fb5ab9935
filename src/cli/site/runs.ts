import type { Redactor } from '../../kernel/redact.ts'
import { failureOf, RunbookError } from '../../kernel/errors.ts'
import type { Json } from '../../kernel/json.ts'
import { nextIn } from '../../run/engine/agenda.ts'
import type { Holder, Stored } from '../../run/journal/entry.ts'
import { isOpen, isUnsealed, type JournalView, type RunSummary } from '../../run/journal/journal.ts'
import { standingOf } from '../../run/journal/standing.ts'
import { stateOf } from '../../run/journal/state.ts'
import { stepTimesOf } from '../../run/journal/step-times.ts'
import { pastRunOf } from '../../run/record/past-run.ts'
import type { HistoryRun } from '../../views/past-runs.ts'
import type { OpenLine } from '../../views/site/runs.ts'
import type { OpenRun } from '../../views/status.ts'

/** Reads of one request are masked, since a page shows what runs of all targets wrote. */
export type Mask = Pick<Redactor, 'json'>

/** Open runs and those that are not sealed, newest first. */
export async function openLines(
  journal: JournalView,
  runs: readonly RunSummary[],
  mask: Mask,
): Promise<readonly OpenLine[]> {
  const lines: OpenLine[] = []
  for (const line of runs.filter((one) => isOpen(one) || isUnsealed(one)))
    lines.push(
      maskedAs(mask, { ...(await historyRun(journal, line)), holder: await journal.holder(line.system) }),
    )
  return lines
}

export async function historyRuns(
  journal: JournalView,
  runs: readonly RunSummary[],
  mask: Mask,
): Promise<readonly HistoryRun[]> {
  const read: HistoryRun[] = []
  for (const line of runs) read.push(maskedAs(mask, await historyRun(journal, line)))
  return read
}

/** A damaged run is listed as such; it must not hide the others. */
async function historyRun(journal: JournalView, line: RunSummary): Promise<HistoryRun> {
  try {
    return { ...line, damage: null, past: pastRunOf(await journal.read(line.run)) }
  } catch (thrown) {
    if (!(thrown instanceof RunbookError)) throw thrown
    return { ...line, damage: failureOf(thrown).message, past: null }
  }
}

export function openRunOf(run: string, entries: readonly Stored[], holder: Holder | null): OpenRun {
  const state = stateOf(entries)
  return {
    run,
    state,
    standing: standingOf(entries),
    holder,
    times: stepTimesOf(entries),
    next: nextIn(state),
  }
}

export const maskedAs = <T>(mask: Mask, value: T): T => mask.json(value as Json) as T
