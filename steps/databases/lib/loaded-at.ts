import { RunbookError, type Look, type PgHba } from '../../../src/index.ts'

/** When the server that the application is let into last read its rules, in seconds; null where it is not let in. */
export async function loadedAt(
  look: Pick<Look, 'databases' | 'signal' | 'note'>,
  { login }: Pick<PgHba, 'login'>,
  tell = false,
): Promise<number | null> {
  try {
    const [row] = await look.databases.query(login, login.name, loadedQuery)
    return typeof row?.['at'] === 'number' ? row['at'] : null
  } catch (thrown) {
    if (look.signal.aborted || !(thrown instanceof RunbookError)) throw thrown
    if (tell) look.note(thrown.message)
    return null
  }
}

/** A session that begins is told by the server's first process; the role needs no right for it. */
export const loadedQuery = 'select extract(epoch from pg_conf_load_time())::float8 as at'
