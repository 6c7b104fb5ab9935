import { RunbookError } from '../kernel/errors.ts'
import { readTime, timeSource } from './file-time.ts'

export type BackupPattern = {
  /** Whether names of this pattern contain the time of the backup. */
  readonly dated: boolean
  /** Null if the name does not match; `takenAt` is null if the pattern has no `{time}`. */
  match(name: string): { readonly takenAt: Date | null } | null
}

/** A file written beside a backup, never a backup itself. */
function isSidecar(name: string): boolean {
  return /(?:\.sha256|\.sha256sum|\.partial|-wal|-shm|-journal)$/.test(name) || name === 'SHA256SUMS'
}

/**
 * `*` matches any text, `{time}` a time in one of the forms of file-time.ts; everything else matches itself.
 * @throws RunbookError `usage` for a slash, an unknown placeholder or a second `{time}`.
 */
export function backupPattern(pattern: string): BackupPattern {
  const wrong = (why: string, hint: string): RunbookError =>
    new RunbookError('usage', `the backup pattern "${pattern}" ${why}`, { hint })
  if (pattern.includes('/'))
    throw wrong('contains a slash', 'set `directory` to the folder; its date folders are searched anyway')
  // Consecutive * are equal to one, and would make the expression slow.
  const pieces = pattern.replaceAll(/\*+/g, '*').split(/(\*|\{[^}]*\})/)
  const unknown = pieces.find((piece) => piece.startsWith('{') && piece !== '{time}')
  if (unknown !== undefined) throw wrong(`contains the unknown placeholder ${unknown}`, 'use {time} and *')
  const times = pieces.filter((piece) => piece === '{time}').length
  if (times > 1) throw wrong('contains more than one {time}', 'use * for the others')

  const source = pieces
    .map((piece) => {
      if (piece === '{time}') return `(${timeSource})`
      return piece === '*' ? '[^/]*' : piece.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)
    })
    .join('')
  const expression = new RegExp(`^${source}$`, 's')
  return {
    dated: times === 1,
    match(name) {
      if (isSidecar(name)) return null
      const found = expression.exec(name)
      if (found === null) return null
      if (times === 0) return { takenAt: null }
      const takenAt = readTime(found[1] ?? '')
      return takenAt === null ? null : { takenAt }
    },
  }
}

/**
 * Whether a folder is a date folder of backups: `YYYY-MM-DD`, `YYYYMMDD`, or `YYYY` with `MM-DD`, `MM` or
 * `MM/DD` below.
 */
export function isDateFolder(parents: readonly string[], name: string): boolean {
  const [year, month] = parents
  if (year === undefined) return /^\d{4}(?:-?\d{2}-?\d{2})?$/.test(name)
  if (!/^\d{4}$/.test(year)) return false
  if (month === undefined) return /^\d{2}(?:-\d{2})?$/.test(name)
  return parents.length === 2 && /^\d{2}$/.test(month) && /^\d{2}$/.test(name)
}
