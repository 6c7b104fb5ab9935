import { RunbookError } from '../kernel/errors.ts'
import { isOpen, type JournalView, type RunSummary } from '../run/journal/journal.ts'
import type { CliContext } from './context.ts'

/** Opens the journal read-only for `look`; does not create it. */
export async function readJournal<T>(
  desk: CliContext,
  look: (journal: JournalView) => Promise<T>,
): Promise<T> {
  const { viewJournal } = await import('../adapters/journal/open.ts')
  const journal = await viewJournal((await desk.loaded()).state)
  try {
    return await look(journal)
  } finally {
    await journal.close()
  }
}

/**
 * Resolves a run by its ID, or by a prefix or suffix that is unique. Without an ID takes the only open run
 * and reports it.
 * @throws RunbookError `usage` for no match or several
 */
export async function runMeant(
  journal: JournalView,
  id: string | undefined,
  say: (text: string) => void,
): Promise<string> {
  const runs = await journal.runs()
  if (id === undefined) {
    const open = runs.filter(isOpen)
    const [only] = open
    if (only === undefined)
      throw new RunbookError('usage', 'no run is open', { hint: '`runbook history` shows the others' })
    if (open.length > 1)
      throw new RunbookError('usage', `${open.length} runs are open: ${names(open)}`, {
        hint: 'name the one that is meant',
      })
    say(`the only open run is meant: ${only.run}\n`)
    return only.run
  }
  return lineOf(runs, id).run
}

/** @throws RunbookError `usage` for no run with this ID, prefix or suffix, or several */
export function lineOf(runs: readonly RunSummary[], id: string): RunSummary {
  const exact = runs.find((line) => line.run === id)
  if (exact !== undefined) return exact
  const like = runs.filter((line) => line.run.startsWith(id) || line.run.endsWith(id))
  const [only] = like
  if (only !== undefined && like.length === 1) return only
  if (like.length > 1)
    throw new RunbookError('usage', `${id} may be ${like.length} runs: ${names(like)}`, {
      hint: 'give more of its name',
    })
  throw new RunbookError('usage', `there is no run ${id}`, { hint: '`runbook history` shows them' })
}

const names = (lines: readonly RunSummary[]): string => {
  const first = lines
    .slice(0, 5)
    .map((line) => line.run)
    .join(', ')
  return lines.length > 5 ? `${first}, …` : first
}
