import { RunbookError } from '../kernel/errors.ts'
import { readTime, timeSource } from './file-time.ts'

export type BackupPattern = {
  /** Whether names of this pattern state when the backup was taken. */
  readonly dated: boolean
  /** Null where the name does not fit; `takenAt` is null where the pattern has no `{time}`. */
  match(name: string): { readonly takenAt: Date | null } | null
}

/** Written beside backups, and never one itself. */
function isSidecar(name: string): boolean {
  return /(?:\.sha256|\.sha256sum|\.partial|-wal|-shm|-journal)$/.test(name) || name === 'SHA256SUMS'
}

/**
 * `*` stands for any text, `{time}` for a moment in one of the forms of file-time.ts; everything else for itself.
 * @throws RunbookError `usage` for a slash, an unknown placeholder or a second `{time}`.
 */
export function backupPattern(pattern: string): BackupPattern {
  const wrong = (why: string, hint: string): RunbookError =>
    new RunbookError('usage', `the backup pattern "${pattern}" ${why}`, { hint })
  if (pattern.includes('/'))
    throw wrong(
      'has a slash',
      'give the folder as `directory`; folders of dates below it are searched anyway',
    )
  // One * right after another says nothing more, and would only make the search slow.
  const pieces = pattern.replaceAll(/\*+/g, '*').split(/(\*|\{[^}]*\})/)
  const unknown = pieces.find((piece) => piece.startsWith('{') && piece !== '{time}')
  if (unknown !== undefined) throw wrong(`has the unknown placeholder ${unknown}`, 'use {time} and *')
  const times = pieces.filter((piece) => piece === '{time}').length
  if (times > 1) throw wrong('has more than one {time}', 'write * for the other')

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

/** Folders of dates in which backups are filed: `YYYY-MM-DD`, `YYYYMMDD`, and `YYYY` with `MM-DD`, `MM` or `MM/DD` below. */
export function isDateFolder(parents: readonly string[], name: string): boolean {
  const [year, month] = parents
  if (year === undefined) return /^\d{4}(?:-?\d{2}-?\d{2})?$/.test(name)
  if (!/^\d{4}$/.test(year)) return false
  if (month === undefined) return /^\d{2}(?:-\d{2})?$/.test(name)
  return parents.length === 2 && /^\d{2}$/.test(month) && /^\d{2}$/.test(name)
}
