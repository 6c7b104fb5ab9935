import {
  RunbookError,
  type Database,
  type Fingerprint,
  type Identity,
  type Listing,
  type Look,
} from '../../../src/index.ts'
import { differencesOf, rowsIn } from './newer-rows.ts'

/** What the live database is while nothing writes to it, before it is put aside: an undo must bring exactly this back. */
export type OldData = {
  readonly live: Identity
  /** How the server lists the live database. Null where it cannot keep sessions out (SQLite); missing in older journals. */
  readonly listing?: Listing | null
  /** Of the live file while nothing writes to it (SQLite). Null where it is unknown; missing in older journals. */
  readonly fileVersion?: string | null
  /**
   * Fingerprint of the old data, taken while nothing writes: the undo must bring exactly this back. Null where `listing`
   * or `fileVersion` proves that, and where the old data is too damaged to be read: then the identity of the database
   * alone is compared.
   */
  readonly print: Fingerprint | null
}

export const isKeptClosed = ({ listing }: OldData): boolean => listing !== undefined && listing !== null

export const hasFileVersion = ({ fileVersion }: OldData): boolean =>
  fileVersion !== undefined && fileVersion !== null

/** Damage may be why the data is replaced. Postgres tells it from missing rights and lost connections; SQLite has neither. */
export async function printOf(look: Look, database: Database): Promise<Fingerprint | null> {
  try {
    return await look.databases.fingerprint(database, database.name)
  } catch (thrown) {
    look.signal.throwIfAborted()
    if (!(thrown instanceof RunbookError)) throw thrown
    if (database.engine !== 'sqlite' && thrown.code !== 'verification') throw thrown
    look.note(`the old data cannot be read, so it is kept as it is: ${thrown.message}`)
    return null
  }
}

/**
 * Whether exactly the old data is live again. Others, such as a job that is not in `writers`, may have written to the old
 * database meanwhile: then it is the old one as long as no table has lost rows, since this run only renamed it.
 */
export async function isOldAgain(
  look: Look,
  database: Database,
  before: OldData,
): Promise<{ is: 'absent' } | { is: 'torn'; why: string }> {
  const {
    print: was,
    live: { instance },
  } = before
  if (isKeptClosed(before)) return isUnopened(look, database, before)
  if (hasFileVersion(before)) return isOldFile(look, database, before)
  if (was === null) {
    const same = (await look.databases.identity(database)).instance === instance
    return same
      ? { is: 'absent' }
      : { is: 'torn', why: `${database.name} is not the old database, which is too damaged to be read` }
  }
  const is = await printOf(look, database)
  if (is === null) return isOldAgain(look, database, { ...before, print: null })
  if (was.digest === is.digest) return { is: 'absent' }
  const changes = changesOf(was, is).join(', ')
  const why = `the live data differs from the old data: ${changes}`
  if ((await look.databases.identity(database)).instance !== instance) return { is: 'torn', why }
  const now = new Map(is.tables.map(({ table, rows }) => [table, rows]))
  if (was.tables.every(({ table, rows }) => rows <= (now.get(table) ?? -1))) {
    look.note(`${database.name} is the old database, to which somebody else wrote meanwhile: ${changes}`)
    return { is: 'absent' }
  }
  return {
    is: 'torn',
    why:
      `${why}; it is the same database, so somebody else removed them. Where that is as it should be, close the run ` +
      `with \`runbook unlock ${look.run.id} --reason TEXT\`, which says how to start the services`,
  }
}

const replacedByOthers = ({ name }: Database) =>
  ({ is: 'torn', why: `${name} is not the old database: somebody else replaced it` }) as const

/** As `isOldAgain`, by what the server lists: no session could write to the old database, or it was never put aside. */
async function isUnopened(
  look: Look,
  database: Database,
  { live: { instance }, listing }: OldData,
): Promise<{ is: 'absent' } | { is: 'torn'; why: string }> {
  const now = await look.databases.listing(database, database.name)
  if (now?.instance !== instance) return replacedByOthers(database)
  if (!now.open || now.version === listing?.version) return { is: 'absent' }
  return {
    is: 'torn',
    why:
      `${database.name} is the old database, but somebody opened it to sessions while it was put aside, so what was ` +
      'written to it meanwhile is unknown. Where its data is as it should be, close the run with ' +
      `\`runbook unlock ${look.run.id} --reason TEXT\`, which says how to start the services`,
  }
}

/** As `isOldAgain`, by the file: the undo renames only one that nobody wrote to while it was put aside. */
async function isOldFile(
  look: Look,
  database: Database,
  { live: { instance }, fileVersion }: OldData,
): Promise<{ is: 'absent' } | { is: 'torn'; why: string }> {
  if ((await look.databases.identity(database)).instance !== instance) return replacedByOthers(database)
  if ((await look.databases.fileVersion(database, database.name)) !== fileVersion)
    look.note(
      `${database.name} is the old database, and somebody else has written to it since it was surveyed`,
    )
  return { is: 'absent' }
}

/** @throws RunbookError `in-doubt` if the old file was written to while it was put aside */
export async function requireUnwritten(
  look: Pick<Look, 'databases' | 'run'>,
  database: Database,
  aside: string,
  was: string | null,
): Promise<void> {
  if (was === null || (await look.databases.fileVersion(database, aside)) === was) return
  throw new RunbookError(
    'in-doubt',
    `${aside}, the old database of ${database.name}, was written to while it was put aside, so whether it is the old data is unknown`,
    {
      hint: `compare it with a backup, put what is right under the live name, and close the run with \`runbook unlock ${look.run.id} --reason TEXT\`, which says how to start the services; nothing was renamed`,
    },
  )
}

/** How the tables of two fingerprints that differ do so, a clause for each table. */
function changesOf(was: Fingerprint, is: Fingerprint): readonly string[] {
  const digests = new Map(is.tables.map(({ table, digest }) => [table, digest]))
  const counted = differencesOf(rowsIn(was), rowsIn(is))
  const updated = was.tables.filter(
    ({ table, rows, digest }) =>
      digests.has(table) &&
      digests.get(table) !== digest &&
      is.tables.some((one) => one.table === table && one.rows === rows),
  )
  const all = [...counted, ...updated.map(({ table }) => `${table} with other rows`)]
  return all.length === 0 ? ['the list of tables'] : all
}
