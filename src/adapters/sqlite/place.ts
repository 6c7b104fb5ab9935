import { realpath } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join } from 'node:path'
import type { Database, SqliteDatabase } from '../../drivers/databases.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'

/**
 * Files that SQLite keeps beside a database under its name: write-ahead log, its index, and the rollback
 * journal.
 */
export const sidecarsOf = (file: string): readonly string[] =>
  ['-wal', '-shm', '-journal'].map((ending) => `${file}${ending}`)

/** The name of a copy until it is complete. */
export const partialOf = (file: string): string => `${file}.partial`

export type Place = {
  readonly live: string
  readonly folder: string
  /** The path of the live database, or of a copy in the same folder, so that a rename can swap them. */
  of(name: string): string
  isLive(name: string): boolean
}

/** @throws RunbookError `usage` for another engine's database, or a path that is not absolute. */
export async function placeOf(database: Database): Promise<Place> {
  const { file } = sqliteOf(database)
  if (!isAbsolute(file))
    throw new RunbookError(
      'usage',
      `the path ${shellWord(file)} of database ${database.name} is not absolute`,
      { hint: 'give an absolute path in runbook.config.ts' },
    )
  // A rename would replace a link by a file, and SQLite keeps its logs beside the file that the link points
  // to.
  const live = await realpath(file).catch(() => file)
  const folder = dirname(live)
  const isLive = (name: string): boolean =>
    name === database.name || name === basename(live) || name === basename(file)
  return { live, folder, isLive, of: (name) => (isLive(name) ? live : join(folder, copyName(name))) }
}

export function sqliteOf(database: Database): SqliteDatabase {
  if (database.engine === 'sqlite') return database
  throw new RunbookError('usage', `database ${database.name} is not a SQLite database but ${database.engine}`)
}

/** The name of a copy is a plain file name, never one that SQLite would use as a log of another database. */
function copyName(name: string): string {
  if (!isCopyName(name))
    throw new RunbookError(
      'usage',
      `${shellWord(name)} is not a valid name for a copy of a SQLite database`,
      {
        hint: 'choose a plain file name',
      },
    )
  return name
}

/** The name of a copy with the id of the run that made it: nobody types it, so it is no other file's by mistake. */
export const isNamedByRun = (name: string): boolean =>
  /__(?:rb|old|kept)_\d{8}_\d{6}_\w+$|\.rb-in-place-(?:new|old)$/.test(name)

export const isCopyName = (name: string): boolean =>
  name !== '' &&
  name !== '.' &&
  name !== '..' &&
  !/[/\0]/.test(name) &&
  !/(?:-wal|-shm|-journal|\.partial)$/.test(name)
