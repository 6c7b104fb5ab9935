import Database from 'better-sqlite3'
import { RunbookError } from '../../kernel/errors.ts'

const codeOf = (thrown: unknown): string => String((thrown as { readonly code?: unknown } | null)?.code ?? '')

/** SQLite says SQLITE_FULL for ENOSPC alone (os_unix.c, seekAndWrite). */
export const isNoSpace = (thrown: unknown): boolean =>
  ['SQLITE_FULL', 'ENOSPC', 'EDQUOT'].includes(codeOf(thrown))

export const isBusy = (thrown: unknown): boolean => codeOf(thrown).startsWith('SQLITE_BUSY')

/**
 * What the disk or SQLite threw, as an operator reads it. A failure that says nothing of damage keeps the code `usage`: the folder cannot
 * be used as it is.
 */
export function journalError(doing: string, path: string, thrown: unknown): RunbookError {
  if (thrown instanceof RunbookError) return thrown
  const cause = thrown
  if (isNoSpace(thrown)) {
    return new RunbookError('preflight', `${doing} ${path}: no space is left on its file system`, {
      hint: `make room: df -h ${path}`,
      cause,
    })
  }
  if (isBusy(thrown)) {
    return new RunbookError('held', `${doing} ${path}: another process has been writing to it for too long`, {
      hint: `find a process that hangs: fuser -v ${path}`,
      cause,
    })
  }
  if (codeOf(thrown).startsWith('SQLITE_IOERR') || codeOf(thrown) === 'EIO') {
    return new RunbookError(
      'journal',
      `${doing} ${path}: the disk failed, and what it says from now on is not believed`,
      {
        hint: 'look at the disk (`dmesg`), then take the run up again with `runbook resume`',
        cause,
      },
    )
  }
  if (thrown instanceof Database.SqliteError && codeOf(thrown) !== 'SQLITE_CANTOPEN') {
    return new RunbookError('journal', `${doing} ${path}: the journal is damaged`, {
      hint: 'keep the state folder as it is, and look at the target yourself',
      cause,
    })
  }
  const why = thrown instanceof Error ? thrown.message : String(thrown)
  if (codeOf(thrown) === '') return new RunbookError('bug', `${doing} ${path}: ${why}`, { cause })
  return new RunbookError('usage', `${doing} ${path}: ${why}`, { hint: `look at it: ls -la ${path}`, cause })
}
