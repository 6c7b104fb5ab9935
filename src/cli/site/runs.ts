import type { Redactor } from '../../kernel/redact.ts'
import { failureOf, RunbookError } from '../../kernel/errors.ts'
import type { Json } from '../../kernel/json.ts'
import type { JournalView, RunSummary } from '../../run/journal/journal.ts'
import { holderOf } from '../../run/journal/leases.ts'
import { pastRunOf } from '../../run/record/past-run.ts'
import type { HistoryRun } from '../../views/past-runs.ts'
import type { OpenLine } from '../../views/site/runs.ts'

/** Reads of one request are masked, since a page shows what runs of all targets wrote. */
export type Mask = Pick<Redactor, 'json'>

/** @param runs open ones and those that are not sealed */
export async function openLines(
  journal: JournalView,
  runs: readonly RunSummary[],
  mask: Mask,
): Promise<readonly OpenLine[]> {
  const lines: OpenLine[] = []
  for (const line of runs)
    lines.push(
      maskedAs(mask, {
        ...(await historyRun(journal, line)),
        holder: (await holderOf(journal, line))?.holder ?? null,
      }),
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

export const maskedAs = <T>(mask: Mask, value: T): T => mask.json(value as Json) as T
