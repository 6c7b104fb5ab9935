import { realpath } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join } from 'node:path'
import type { Database, SqliteDatabase } from '../../drivers/databases.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'

/** Files that SQLite keeps beside a database under its name: write-ahead log, its index, and the rollback journal. */
export const sidecarsOf = (file: string): readonly string[] =>
  ['-wal', '-shm', '-journal'].map((ending) => `${file}${ending}`)

/** The name of a copy until it is complete. */
export const partialOf = (file: string): string => `${file}.partial`

export type Place = {
  readonly live: string
  readonly folder: string
  /** Where the database of a name lies: the live one, or a copy in the same folder, so that a rename can exchange them. */
  of(name: string): string
  isLive(name: string): boolean
}

/** @throws RunbookError `usage` for another engine's database, or a path that is not absolute. */
export async function placeOf(database: Database): Promise<Place> {
  const { file } = sqliteOf(database)
  if (!isAbsolute(file))
    throw new RunbookError(
      'usage',
      `the path ${shellWord(file)} of the database ${database.name} is not absolute`,
      { hint: 'write it whole in runbook.config.ts' },
    )
  // A rename would put a file in the place of a link, and SQLite keeps its logs beside the file that a link points to.
  const live = await realpath(file).catch(() => file)
  const folder = dirname(live)
  const isLive = (name: string): boolean =>
    name === database.name || name === basename(live) || name === basename(file)
  return { live, folder, isLive, of: (name) => (isLive(name) ? live : join(folder, copyName(name))) }
}

export function sqliteOf(database: Database): SqliteDatabase {
  if (database.engine === 'sqlite') return database
  throw new RunbookError(
    'usage',
    `the database ${database.name} is no SQLite database but ${database.engine}`,
  )
}

/** A copy's name is one plain file name; never one that SQLite would take for a log of another database. */
function copyName(name: string): string {
  if (!isCopyName(name))
    throw new RunbookError(
      'usage',
      `${shellWord(name)} cannot be the name of a copy beside a SQLite database`,
      {
        hint: 'choose a plain file name',
      },
    )
  return name
}

export const isCopyName = (name: string): boolean =>
  name !== '' &&
  name !== '.' &&
  name !== '..' &&
  !/[/\0]/.test(name) &&
  !/(?:-wal|-shm|-journal|\.partial)$/.test(name)
