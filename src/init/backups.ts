import { posix } from 'node:path'
import { backupPattern } from '../formats/backup-pattern.ts'
import { coarseTimeSource, timeSource } from '../formats/file-time.ts'
import type { BackupFile, BackupFolder } from './facts.ts'

export type Backups = {
  readonly directory: string
  readonly pattern: string
  /** Null where the default of 26 hours fits. */
  readonly maxAge: string | null
  readonly checksums: boolean
  readonly newest: { readonly name: string; readonly takenAt: string } | null
  readonly guessed: string | null
}

type Group = {
  readonly directory: string
  readonly pattern: string
  readonly files: readonly (BackupFile & { readonly takenAt: Date; readonly takenBy: Date | undefined })[]
}

const dumpName =
  /\.(?:dump|dmp|pgdump|psql|sql|backup|bak|pg|custom|sqlite3?|db|tar|tgz)(?:\.(?:gz|zst|xz|bz2|lz4|gpg|age|enc))*$|(?:backup|dump).*\.(?:gz|tgz|zst|xz|bz2|gpg|age|enc)$/i
/** Dumps that runs make of what they replace, with the name of the run. */
const ofRun = /-(?:replaced|before-rollback)-.*\d{8}-\d{6}-[a-z0-9]{5}\./
export const dumpFolder = /backup|dump|snapshot|sicherung|respaldo/i
/** Folders of SQL that builds a database. */
const sourceFolder =
  /(?:^|[/_.-])(?:migrations?|migrate|alembic|seeds?|schema|initdb|init|fixtures|sql|ddl|evolutions)(?:$|[/_.-])/i

/** Whether a file could be a backup, by its name and folder; its beginning is looked at only then. */
export function looksLikeBackup(folder: string, name: string): boolean {
  if (!dumpName.test(name) || ofRun.test(name)) return false
  if (dumpFolder.test(folder)) return true
  if (sourceFolder.test(folder)) return false
  return !/\.(?:sql|tar|tgz|db|sqlite3?)$/i.test(name) || timed.test(name)
}

const time = new RegExp(`${timeSource}|${coarseTimeSource}`)
const timed = time

/** `shop_20261129T010000Z.dump` as `shop_{time}.dump`; numbers that are no time become `*`. */
export function patternOf(name: string): string | null {
  if (/[*{}/\n]/.test(name)) return null
  return time.test(name) ? name.replace(time, '{time}') : name.replaceAll(/\d{4,}/g, '*')
}

/** Folders of dates are searched by themselves. */
const rootOf = (path: string): string =>
  path.replace(/(?:\/\d{4}(?:\/\d{2}(?:-\d{2}|\/\d{2})?)?|\/\d{4}-?\d{2}-?\d{2})$/, '') || '/'

/**
 * The backups of a database among the files that were found: those with its name in their own, then those of
 * which the newest is the youngest.
 * @param wanted names that the database is known by, its own first
 */
export function backupsIn(
  folders: readonly BackupFolder[],
  wanted: readonly string[],
  kinds: 'postgres' | 'sqlite',
): Backups | null {
  const groups = groupsIn(folders).filter(({ files }) => files.some((file) => isOfEngine(file, kinds)))
  const scored = groups.map((group) => ({ group, score: scoreOf(group, wanted), newest: newestOf(group) }))
  const [best, next] = scored.toSorted(
    (one, other) => other.score - one.score || other.newest.takenAt.getTime() - one.newest.takenAt.getTime(),
  )
  if (best === undefined) return null
  const { group, newest } = best
  const few = group.files.length < 3
  const reasons = [
    ...(named(group, wanted) > 0 ? [] : ['nothing in these names says whose backups they are']),
    ...(next !== undefined && next.score === best.score
      ? [`there are also ${posix.join(next.group.directory, next.group.pattern)}`]
      : []),
    ...(few ? ['too few files to see how often one is made'] : []),
  ]
  return {
    directory: group.directory,
    pattern: group.pattern,
    maxAge: few ? null : maxAgeOf(group),
    checksums: newest.checksum,
    newest: { name: newest.name, takenAt: newest.takenAt.toISOString() },
    guessed: reasons.join('; ') || null,
  }
}

function groupsIn(folders: readonly BackupFolder[]): readonly Group[] {
  const all = folders.flatMap(({ path, files }) =>
    files.flatMap((file) => {
      const pattern = patternOf(file.name)
      return pattern === null ? [] : [{ directory: rootOf(path), pattern, file }]
    }),
  )
  return [...Map.groupBy(all, ({ directory, pattern }) => `${directory}\n${pattern}`).values()].flatMap(
    (same) => {
      const [{ directory, pattern } = { directory: '', pattern: '' }] = same
      const { match } = backupPattern(pattern)
      const files = same.flatMap(({ file }) => {
        const found = match(file.name)
        return found === null
          ? []
          : [{ ...file, takenAt: found.takenAt ?? new Date(file.modifiedAt), takenBy: found.takenBy }]
      })
      return files.length === 0 ? [] : [{ directory, pattern, files }]
    },
  )
}

function isOfEngine({ name, kind, bytes }: BackupFile, engine: 'postgres' | 'sqlite'): boolean {
  if (bytes === 0) return false
  const sqlite = kind === 'SQLite file' || /\.(?:db|sqlite3?)(?:\.|$)/i.test(name)
  if (engine === 'sqlite') return sqlite || kind === 'plain SQL' || kind === 'gzip'
  return !sqlite && kind !== null
}

/**
 * How well the names of a group say that they are those of the database: its own name says more than that of its project
 * or service, and in the name of a file more than in that of the folder, where others may lie too. 0 if nothing does.
 */
function named({ directory, pattern }: Group, wanted: readonly string[]): number {
  const rankIn = (text: string): number => {
    const index = wanted.findIndex((name) => text.toLowerCase().includes(name.toLowerCase()))
    return index === -1 ? 0 : wanted.length - index
  }
  const inFile = rankIn(pattern)
  return inFile === 0 ? rankIn(directory) : wanted.length + inFile
}

function scoreOf(group: Group, wanted: readonly string[]): number {
  const kind = newestOf(group).kind
  return (
    4 * named(group, wanted) +
    (kind === 'custom-format dump' || kind === 'SQLite file' ? 2 : 0) +
    (group.pattern.includes('{time}') ? 1 : 0)
  )
}

const newestOf = ({ files }: Group): Group['files'][number] =>
  files.reduce((one, other) => (other.takenAt > one.takenAt ? other : one))

/**
 * The usual time between two backups with a little more, in the steps in which people make them. The age of one whose name
 * has a date alone counts from the start of that day. Null where the default fits.
 */
function maxAgeOf({ files }: Group): string | null {
  const times = files.map(({ takenAt }) => takenAt.getTime()).toSorted((one, other) => one - other)
  const gaps = times.slice(1).map((at, index) => at - (times[index] ?? at))
  const usual = gaps.toSorted((one, other) => one - other)[Math.floor(gaps.length / 2)] ?? 0
  const hours = usual / 3_600_000
  if (hours > 26) return hours <= 8 * 24 ? '8d' : '32d'
  if (files.some(({ takenAt, takenBy }) => Number(takenBy ?? takenAt) - Number(takenAt) > 3_600_000))
    return '50h'
  return hours <= 1.5 ? '2h' : hours <= 7 ? '8h' : null
}
