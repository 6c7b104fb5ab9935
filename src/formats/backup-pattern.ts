import { RunbookError } from '../kernel/errors.ts'
import { coarseTimeSource, readCoarseTime, readTime, timeSource } from './file-time.ts'

export type BackupPattern = {
  /** Whether names of this pattern contain the time of the backup. */
  readonly dated: boolean
  /**
   * Null if the name does not match; `takenAt` is null if the pattern has no `{time}`. Of a date alone or
   * without seconds, `takenAt` is the first moment that it stands for, and `takenBy` the last.
   */
  match(name: string): { readonly takenAt: Date | null; readonly takenBy?: Date } | null
  /** Whether the name would match if its time could be read. */
  nearly(name: string): boolean
}

/** A file written beside a backup, never a backup itself. */
function isSidecar(name: string): boolean {
  return (
    /(?:\.(?:sha256|sha256sum|sha1|sha1sum|sha512|sha512sum|md5|md5sum|sig|minisig|lock\.json|manifest\.json|partial)|-wal|-shm|-journal)$/i.test(
      name,
    ) || /^(?:sha256|sha512|sha1|md5|check)sums?(?:\.txt)?$/i.test(name)
  )
}

/**
 * `*` matches any text, `{time}` a time in one of the forms of file-time.ts, a date alone or without seconds
 * included; everything else matches itself.
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

  const expression = (time: string, of = pieces): RegExp => {
    const source = of.map((piece) => {
      if (piece === '{time}') return `(?<time>${time})`
      return piece === '*' ? '[^/]*' : piece.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)
    })
    return new RegExp(`^${source.join('')}$`, 's')
  }
  const exact = expression(timeSource)
  const coarse = expression(coarseTimeSource)
  const any = expression('', pattern.replace('{time}', '*').replaceAll(/\*+/g, '*').split(/(\*)/))
  const match: BackupPattern['match'] = (name) => {
    if (isSidecar(name)) return null
    const found = exact.exec(name)
    if (times === 0) return found === null ? null : { takenAt: null }
    if (found !== null) {
      const takenAt = readTime(found.groups?.['time'] ?? '')
      return takenAt === null ? null : { takenAt }
    }
    const span = readCoarseTime(coarse.exec(name)?.groups?.['time'] ?? '')
    return span === null ? null : { takenAt: span.from, takenBy: span.to }
  }
  return {
    dated: times === 1,
    match,
    nearly: (name) => times === 1 && !isSidecar(name) && any.test(name) && match(name) === null,
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
