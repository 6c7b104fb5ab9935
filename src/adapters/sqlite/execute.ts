import { failureOf, RunbookError } from '../../kernel/errors.ts'
import { using, writable } from './connect.ts'

/**
 * Executes statements of a dump in a database that nothing else uses and that is removed when one fails.
 * @param schema whether they write the schema table, as `.dump` does for virtual tables; they count from the next call on
 * @throws RunbookError `verification` for a statement that SQLite does not accept
 */
export const execute = (
  file: string,
  statements: readonly string[],
  { schema }: { readonly schema: boolean },
): Promise<null> =>
  using(writable(file), (connection) => {
    if (schema) connection.unsafeMode(true)
    for (const setting of ['journal_mode = MEMORY', 'synchronous = OFF', 'foreign_keys = OFF'])
      connection.pragma(setting)
    if (schema) connection.pragma('writable_schema = ON')
    connection.exec('BEGIN')
    for (const statement of statements) {
      try {
        // Only one statement: `exec` would execute what follows it too.
        connection.prepare(statement).run()
      } catch (thrown) {
        if (isOfSystem(thrown)) throw thrown
        const start = JSON.stringify(statement.slice(0, 60))
        throw new RunbookError('verification', `${refusedSql} ${start}: ${failureOf(thrown).message}`, {
          cause: thrown,
        })
      }
    }
    connection.exec('COMMIT')
    return null
  })

/** How the error of a statement begins that SQLite does not accept. */
export const refusedSql = 'SQLite does not accept its statement'

/** Errors that say nothing about the statement. */
const isOfSystem = (thrown: unknown): boolean =>
  /^SQLITE_(?:FULL|IOERR|NOMEM|CANTOPEN|BUSY|READONLY|INTERRUPT)/.test(
    String((thrown as { readonly code?: unknown }).code),
  )
