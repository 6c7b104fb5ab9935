import { existsSync, lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock, type Clock } from '../../kernel/clock.ts'
import { RunbookError } from '../../kernel/errors.ts'
import type { Journal, JournalView } from '../../run/journal/journal.ts'
import { connect, type Connection } from './connection.ts'
import { isBusy, journalError } from './errors.ts'
import { isAcknowledged } from './head.ts'
import { SqliteJournal } from './journal.ts'
import { ownFile, prepare, stateFolder, type StateFolder } from './state-folder.ts'

/**
 * Opens the journal in a state folder, and makes both where they are not there yet.
 * @throws RunbookError `usage` for a folder that others own or can write, a link, or a network file system; `journal` for a journal that is
 *   damaged or newer than this program: it is left as it was; `preflight` for a full disk
 */
export async function openJournal(folder: string, clock: Clock = systemClock): Promise<Journal> {
  const state = stateFolder(folder)
  try {
    prepare(state)
    // Before SQLite sees it: beside an empty database it removes the WAL, which may be all that is left.
    if (isEmpty(state.database)) refuseLost(state, () => isEmpty(state.database))
    ownFile(state.database)
    return new SqliteJournal(state, await connectPatiently(state, clock), clock)
  } catch (thrown) {
    throw journalError('could not open the journal', state.database, thrown)
  }
}

/** To look only: where no journal is, none is made, and there are no runs. Throws as `openJournal` does. */
export async function viewJournal(
  folder: string,
  clock: Clock = systemClock,
): Promise<JournalView & { close(): Promise<void> }> {
  if (existsSync(stateFolder(folder).path)) return openJournal(folder, clock)
  return {
    runs: async () => [],
    read: async (run) => {
      throw new RunbookError('usage', `there is no run ${run}`, {
        hint: `no journal has been begun in ${folder}`,
      })
    },
    holder: async () => null,
    close: async () => undefined,
  }
}

/** The switch to WAL, and the removal of a WAL by the last who closes, may find the file locked without SQLite's own patience applying. */
async function connectPatiently(state: StateFolder, clock: Clock): Promise<Connection> {
  const until = clock.monotonic() + 5_000
  for (;;) {
    try {
      return connect(state.database, () => refuseLost(state, () => true))
    } catch (thrown) {
      if (!isBusy(thrown) || clock.monotonic() >= until) throw thrown
      await clock.sleep(10)
    }
  }
}

const isEmpty = (path: string): boolean => (lstatSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0

/**
 * A journal is made only where none has been: heads of runs tell of one that is gone.
 * @param still asked again after the heads were read, since another process may be making the journal at this moment
 */
function refuseLost({ heads, database }: StateFolder, still: () => boolean): void {
  const lost = readdirSync(heads).filter((run) => isAcknowledged(join(heads, run), run))
  if (lost.length === 0 || !still()) return
  throw new RunbookError(
    'journal',
    `the journal ${database} is lost: it is empty or gone, and ${lost.length} runs were written to it`,
    {
      hint: 'put the file back, or keep the folder for inspection and choose another state folder',
    },
  )
}
