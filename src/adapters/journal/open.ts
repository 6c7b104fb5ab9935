import { existsSync, lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock, type Clock } from '../../kernel/clock.ts'
import { RunbookError } from '../../kernel/errors.ts'
import type { Journal, JournalView } from '../../run/journal/journal.ts'
import { connect, connectCopy, type Connection } from './connection.ts'
import { isBusy, journalError, shortageBehind } from './errors.ts'
import { isAcknowledged } from './head.ts'
import { SqliteJournal } from './journal.ts'
import { Spare } from './reserve.ts'
import { ownFile, prepare, stateFolder, type StateFolder } from './state-folder.ts'

/**
 * Opens the journal in a state folder; creates both if missing. A full disk is opened with the spare room,
 * which is reserved again on closing as far as possible.
 * @throws RunbookError `usage` for a folder that others own or can write, a link, or a network file system;
 *   `journal` for a journal that is damaged or newer than this program, which is left unchanged; `preflight`
 *   for a full disk
 */
export async function openJournal(folder: string, clock: Clock = systemClock): Promise<Journal> {
  const state = stateFolder(folder)
  try {
    prepareAll(state)
    try {
      return new SqliteJournal(state, await connectPatiently(state, clock), clock)
    } catch (thrown) {
      if (shortageBehind(thrown, state.database) === null || !new Spare(state.path).release()) throw thrown
      return new SqliteJournal(state, await connectPatiently(state, clock), clock, true)
    }
  } catch (thrown) {
    throw journalError('cannot open the journal', state.database, thrown)
  }
}

function prepareAll(state: StateFolder): void {
  prepare(state)
  // Check before SQLite opens it: it removes the WAL beside an empty database, which may hold the only data.
  if (isEmpty(state.database)) refuseLost(state, () => isEmpty(state.database))
  ownFile(state.database)
}

/**
 * Opens read-only: a missing journal is not created and has no runs. On a full disk the journal is read in
 * memory. Throws as `openJournal`.
 */
export async function viewJournal(
  folder: string,
  clock: Clock = systemClock,
): Promise<JournalView & { close(): Promise<void> }> {
  const state = stateFolder(folder)
  if (existsSync(state.path)) return viewExisting(state, clock)
  return {
    runs: async () => [],
    count: async () => 0,
    read: async (run) => {
      throw new RunbookError('usage', `run ${run} not found`, { hint: `no journal in ${folder} yet` })
    },
    holder: async () => null,
    close: async () => undefined,
  }
}

async function viewExisting(
  state: StateFolder,
  clock: Clock,
): Promise<JournalView & { close(): Promise<void> }> {
  try {
    prepareAll(state)
    try {
      return new SqliteJournal(state, await connectPatiently(state, clock), clock)
    } catch (thrown) {
      const copy = shortageBehind(thrown, state.database) === null ? null : connectCopy(state.database)
      if (copy !== null) return new SqliteJournal(state, copy, clock)
    }
  } catch (thrown) {
    throw journalError('cannot open the journal', state.database, thrown)
  }
  return openJournal(state.path, clock)
}

/**
 * Retries: the switch to WAL and its removal by the last connection may find the file locked in spite of
 * SQLite's busy timeout.
 */
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
 * Refuses to create a journal where heads of runs show that one is lost.
 * @param still checked again after reading the heads, since another process may be creating the journal
 */
function refuseLost({ heads, database }: StateFolder, still: () => boolean): void {
  const lost = readdirSync(heads).filter((run) => isAcknowledged(join(heads, run), run))
  if (lost.length === 0 || !still()) return
  throw new RunbookError(
    'journal',
    `journal ${database} is lost: it is empty or missing, but ${lost.length} runs were written to it`,
    {
      hint: 'restore the file, or keep the folder for inspection and choose another state folder',
    },
  )
}
