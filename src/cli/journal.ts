import { RunbookError } from '../kernel/errors.ts'
import type { Stored } from '../run/journal/entry.ts'
import { isOpen, isUnsealed, type JournalView, type RunSummary } from '../run/journal/journal.ts'
import type { CliContext } from './context.ts'

/** Opens the journal read-only for `look`; does not create it. */
export async function readJournal<T>(
  context: CliContext,
  look: (journal: JournalView) => Promise<T>,
): Promise<T> {
  const { viewJournal } = await import('../adapters/journal/open.ts')
  const journal = await viewJournal((await context.loaded()).state)
  try {
    return await look(journal)
  } finally {
    await journal.close()
  }
}

/**
 * Resolves a run by its ID, or by a prefix or suffix that is unique. Without an ID takes the only open run,
 * or on the way forward the only one that is not sealed, and reports it.
 * @throws RunbookError `usage` for no match or several
 */
export async function chosenRun(
  journal: JournalView,
  id: string | undefined,
  way: 'forward' | 'back',
  say: (text: string) => void,
): Promise<string> {
  if (id === undefined) {
    const pending = await journal.runs({ pending: true })
    const open = pending.filter(isOpen)
    const unsealed = way === 'forward' ? pending.filter(isUnsealed) : []
    const [only] = open
    const [toSeal] = unsealed
    if (only === undefined && toSeal !== undefined && unsealed.length === 1) {
      say(`using the only run whose evidence is not sealed: ${toSeal.run}\n`)
      return toSeal.run
    }
    if (only === undefined && unsealed.length > 1)
      throw new RunbookError(
        'usage',
        `no run is open, and ${unsealed.length} are not sealed: ${names(unsealed)}`,
        { hint: 'give the id of one of them' },
      )
    if (only === undefined)
      throw new RunbookError('usage', 'no run is open', { hint: 'list all runs: runbook history' })
    if (open.length > 1)
      throw new RunbookError('usage', `${open.length} runs are open: ${names(open)}`, {
        hint: 'give the id of one of them',
      })
    say(`using the only open run: ${only.run}\n`)
    return only.run
  }
  return (await findRun(journal, id)).run
}

/** @throws RunbookError `usage` for no run with this ID, prefix or suffix, or several */
export async function findRun(journal: JournalView, id: string): Promise<RunSummary> {
  const matches = await journal.runs({ id })
  const [only] = matches
  if (only !== undefined && matches.length === 1) return only
  if (matches.length > 1)
    throw new RunbookError(
      'usage',
      `run id ${id} is ambiguous (${matches.length} matches): ${names(matches)}`,
      {
        hint: 'give more characters of it',
      },
    )
  throw new RunbookError('usage', `run ${id} not found`, { hint: 'list the runs: runbook history' })
}

/** More would take seconds to read in a journal of years. */
export const mostChecked = 200

/** A run, and what is wrong with its entries; `undefined` if they were not checked, null if they are intact. */
export type CheckedRun = RunSummary & { readonly damage: string | null | undefined }

/**
 * Checks the chain and the head of the first `mostChecked` runs of a list and of all that are open or not sealed,
 * since a list of runs is read without them.
 * @param seen gets the entries of each run that is intact
 */
export async function checkedRuns(
  journal: JournalView,
  lines: readonly RunSummary[],
  seen: (run: string, entries: readonly Stored[]) => void,
): Promise<{ readonly runs: readonly CheckedRun[]; readonly damages: readonly RunbookError[] }> {
  const runs: CheckedRun[] = []
  const damages: RunbookError[] = []
  for (const [index, line] of lines.entries()) {
    const checked = index < mostChecked || isOpen(line) || isUnsealed(line)
    let damage: string | null | undefined = checked ? null : undefined
    if (checked) {
      try {
        seen(line.run, await journal.read(line.run))
      } catch (thrown) {
        if (!(thrown instanceof RunbookError)) throw thrown
        damage = thrown.message
        // A person has closed a released run in spite of its damage.
        if (!line.released) damages.push(thrown)
      }
    }
    runs.push({ ...line, damage })
  }
  return { runs, damages }
}

const names = (lines: readonly RunSummary[]): string => {
  const first = lines
    .slice(0, 5)
    .map((line) => line.run)
    .join(', ')
  return lines.length > 5 ? `${first}, …` : first
}
