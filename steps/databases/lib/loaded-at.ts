import { RunbookError, type Look, type PgHba } from '../../../src/index.ts'

/**
 * When the server last read its rules, in seconds since the epoch, asked with the application's own login;
 * null where that login fails.
 */
export async function loadedAt(
  look: Pick<Look, 'databases' | 'signal' | 'note'>,
  { login }: Pick<PgHba, 'login'>,
  report = false,
): Promise<number | null> {
  try {
    const [row] = await look.databases.query(login, login.name, loadedQuery)
    return typeof row?.['at'] === 'number' ? row['at'] : null
  } catch (thrown) {
    if (look.signal.aborted || !(thrown instanceof RunbookError)) throw thrown
    if (report) look.note(thrown.message)
    return null
  }
}

/** pg_conf_load_time() needs no privilege. A new session inherits its value from the postmaster. */
export const loadedQuery = 'select extract(epoch from pg_conf_load_time())::float8 as at'
