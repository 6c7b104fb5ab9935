import { shellWord } from '../../kernel/shell-quote.ts'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { RunbookError } from '../../kernel/errors.ts'
import { roomIn, shortageIn, type Shortage } from './room.ts'

const codeOf = (thrown: unknown): string => String((thrown as { readonly code?: unknown } | null)?.code ?? '')

/** SQLite returns SQLITE_FULL only for ENOSPC (os_unix.c, seekAndWrite). */
export const isNoSpace = (thrown: unknown): boolean =>
  ['SQLITE_FULL', 'ENOSPC', 'EDQUOT'].includes(codeOf(thrown))

/**
 * What the file system of the journal lacks, if that is why a call failed. Beside ENOSPC on a write, a full
 * disk shows as SQLITE_IOERR_SHMSIZE or SQLITE_CANTOPEN when the WAL cannot be created, and a quota as
 * SQLITE_IOERR_WRITE. A failed fsync stays a failed disk.
 * @param path a file beside which room is tried
 */
export function shortageBehind(thrown: unknown, path: string): Shortage | null {
  const code = codeOf(thrown)
  if (code === 'EDQUOT') return 'quota'
  if (isNoSpace(thrown)) return shortageIn(dirname(path)) ?? 'space'
  const hidden = code.startsWith('SQLITE_CANTOPEN') || /^SQLITE_IOERR_(SHM|WRITE|TRUNCATE|DELETE)/.test(code)
  return hidden ? shortageIn(dirname(path)) : null
}

const shortages: { readonly [S in Shortage]: readonly [problem: string, hint: (path: string) => string] } = {
  space: ['no space is left on its file system', (path) => `make room: df -h ${shellWord(path)}`],
  inodes: [
    'no inodes are left on its file system, so no file can be created',
    (path) => `remove files that are not needed: df -i ${shellWord(dirname(path))}`,
  ],
  quota: ['the disk quota is used up', (path) => `make room: quota -s; df -h ${shellWord(path)}`],
}

/** In words; a quota is not what the file system has left. */
function amounts(shortage: Shortage, path: string): string {
  const room = roomIn(dirname(path))
  if (room === null) return ''
  const { needed, free } = room
  const kilobytes = Math.ceil(needed.bytes / 1000)
  switch (shortage) {
    case 'space':
      return `: at least ${kilobytes} kB are needed there, and ${Math.floor(free.bytes / 1000)} kB are free`
    case 'inodes':
      return `: at least ${needed.files} are needed there, and ${free.files} are free`
    case 'quota':
      return `: at least ${kilobytes} kB are needed there`
  }
}

export const isBusy = (thrown: unknown): boolean => codeOf(thrown).startsWith('SQLITE_BUSY')

/** A page that cannot be right, or text of an entry that is not JSON. */
export const isDamage = (thrown: unknown): boolean =>
  codeOf(thrown).startsWith('SQLITE_CORRUPT') ||
  thrown instanceof SyntaxError ||
  /malformed JSON/.test(String(thrown))

/**
 * Turns an error of the disk or SQLite into a RunbookError. A failure without damage has the code `usage`:
 * the folder cannot be used in its current state.
 * @param doing the act, such as `cannot open the journal`
 */
export function journalError(doing: string, path: string, thrown: unknown): RunbookError {
  if (thrown instanceof RunbookError) return thrown
  const cause = thrown
  const shortage = shortageBehind(thrown, path)
  if (shortage !== null) {
    const [problem, hint] = shortages[shortage]
    const message = `${doing} ${path}: ${problem}${amounts(shortage, path)}`
    return new RunbookError('preflight', message, { hint: hint(path), cause })
  }
  if (isBusy(thrown)) {
    return new RunbookError(
      'held',
      `${doing} ${path}: timed out after 5 s waiting for another process that writes to it`,
      {
        hint: `check for a blocked process: fuser -v ${shellWord(path)}`,
        cause,
      },
    )
  }
  if (codeOf(thrown).startsWith('SQLITE_IOERR') || codeOf(thrown) === 'EIO') {
    return new RunbookError(
      'journal',
      `${doing} ${path}: I/O error, so nothing more is read from or written to it`,
      {
        hint: 'check the disk (dmesg), then resume the run with `runbook resume`',
        cause,
      },
    )
  }
  if (thrown instanceof Database.SqliteError && codeOf(thrown) !== 'SQLITE_CANTOPEN') {
    return new RunbookError('journal', `${doing} ${path}: the journal is damaged`, {
      hint: 'keep the state folder unchanged, and check the target by hand',
      cause,
    })
  }
  const why = thrown instanceof Error ? thrown.message : String(thrown)
  if (codeOf(thrown) === '') return new RunbookError('bug', `${doing} ${path}: ${why}`, { cause })
  return new RunbookError('usage', `${doing} ${path}: ${why}`, {
    hint: `check: ls -la ${shellWord(path)}`,
    cause,
  })
}
