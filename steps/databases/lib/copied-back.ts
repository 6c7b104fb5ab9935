import { failureOf, RunbookError, shellWord, type Database, type Look } from '../../../src/index.ts'
import { differencesOf, rowsIn, type RowCounts } from './newer-rows.ts'
import { instanceOf } from './ours.ts'

type SqliteDatabase = Extract<Database, { readonly engine: 'sqlite' }>

type Exchanged = {
  /** Instances of the two files of the exchange. */
  readonly instances: readonly string[]
  /** The name of the old file. */
  readonly aside: string
  /** Rows of what the run put there. */
  readonly tables: RowCounts
}

/**
 * For an undo that exchanges the live file of SQLite: it must be one of the two of the exchange. A file that somebody
 * copied to its own name is another one. On the way back it passes where it has exactly the rows of the old one, since it
 * is kept under another name then.
 * @throws RunbookError `in-doubt` for any other file; says what is in it as far as that is known, and what to do
 */
export async function mustBeLiveFile(
  look: Look,
  database: SqliteDatabase,
  { instances, aside, tables }: Exchanged,
  way: 'forward' | 'back',
): Promise<void> {
  const { name, file } = database
  if (!(await look.databases.exists(database, name))) {
    if (way === 'back') return
    throw new RunbookError(
      'in-doubt',
      `the live database ${name} is gone: ${shellWord(file)} does not exist`,
      {
        hint: `a rollback puts ${aside} back under its name; to go on, put the file that this run made live back first`,
      },
    )
  }
  if (instances.includes(await instanceOf(look, database, name))) return
  const { isOld, says } = await contentsBeside(look, database, aside, tables)
  if (isOld && way === 'back') {
    look.note(`${name} is not the file that this run put there, and ${says}: it is kept under another name`)
    return
  }
  throw new RunbookError(
    'in-doubt',
    `the database ${name} is not the one that this run put there: somebody else replaced it; ${says}`,
    {
      hint:
        `find out who did, and which data ${name} should have; nothing was renamed or dropped; to get the old data back, ` +
        `stop what uses the file and move it out of the way, with its logs where there are any: ` +
        ['', '-wal', '-shm', '-journal']
          .map((ending) => `mv ${shellWord(file + ending)} ${shellWord(`${file}.theirs${ending}`)}`)
          .join('; '),
    },
  )
}

/** What is in the live file, as a clause. Reads both files, since nothing else tells them apart. */
async function contentsBeside(
  look: Look,
  database: SqliteDatabase,
  aside: string,
  tables: RowCounts,
): Promise<{ readonly isOld: boolean; readonly says: string }> {
  const of = (name: string) =>
    look.databases.fingerprint({ ...database, fingerprint: 'rows-and-digest' }, name)
  try {
    const live = await of(database.name)
    if (live.digest === (await of(aside)).digest)
      return { isOld: true, says: `it has exactly the rows of the old database ${aside}` }
    const differences = differencesOf(tables, rowsIn(live))
    return {
      isOld: false,
      says:
        differences.length === 0
          ? 'it has as many rows in each table as what this run put there, and whether they are the same is unknown'
          : `beside what this run put there it has ${differences.slice(0, 20).join(', ')}`,
    }
  } catch (thrown) {
    look.signal.throwIfAborted()
    if (!(thrown instanceof RunbookError)) throw thrown
    return { isOld: false, says: `what is in it is unknown: ${failureOf(thrown).message}` }
  }
}
