import { dateAlone } from '../formats/backup-age.ts'
import { oneLine } from '../kernel/sanitize.ts'
import { shellWord } from '../kernel/shell-quote.ts'
import type { ListedBackup, Proven } from '../run/readiness/backup-list.ts'
import { duration, moment, size } from './amounts.ts'
import { columns } from './columns.ts'
import { fitted, type Width } from './fit.ts'

export type BackupsShown = {
  readonly target: string
  /** The folder of the files, or of their downloads. */
  readonly directory: string
  /** Where they are kept, as people call it. */
  readonly place: string
  readonly now: Date
  /** Missing: lines may be of any length. */
  readonly width?: Width
  /** Runbooks that fit the target, of those that the text suggests. */
  readonly fitting: readonly string[]
}

const restoresOf = [
  ['full-db-rollback', '--dump'],
  ['sqlite-restore', '--backup'],
] as const

/** The backups of a target as a table, newest first, and what to type to restore one. */
export function backupsText(
  backups: readonly ListedBackup[],
  { target, directory, place, now, width = null, fitting }: BackupsShown,
): string {
  const where = `backups of ${oneLine(target)} in ${oneLine(place)}`
  if (backups.length === 0) return `No ${where}.\n`
  const rows = [
    ['TAKEN', 'AGE', 'SIZE', 'FORMAT', 'VOUCHED FOR BY', 'LAST PROVEN', 'FILE', 'FITS'],
    ...backups.map((one) => [
      dateAlone(one) === null ? moment(one.takenAt) : `${dateAlone(one)}, time not known`,
      one.takenBy === undefined ? age(one.takenAt, now) : `${age(one.takenAt, now)} at most`,
      size(one.bytes),
      one.format ?? (one.fits === false ? 'not a dump' : 'not known'),
      one.vouchedBy === null ? 'nothing' : one.vouchedBy.replace(/ in .*\/([^/]+)$/, ' in $1'),
      one.proven === null ? 'never' : provenText(one.proven),
      one.file.startsWith(`${directory}/`) ? one.file.slice(directory.length + 1) : one.file,
      fitsText(one),
    ]),
  ]
  const newest = backups.find(({ fits }) => fits !== false)
  const restoring = restoresOf.find(([name]) => fitting.includes(name))
  const restore =
    newest === undefined || restoring === undefined
      ? []
      : [
          `Restore one:  runbook run ${restoring[0]} --target ${target} ${restoring[1]} ${shellWord(newest.file)}`,
        ]
  const search = fitting.some((name) => name.startsWith('find-good'))
    ? [`Find the newest good one:  runbook backups find-good --target ${target}`]
    : []
  const lines = [
    `${where.replace('b', 'B')}, newest first:`,
    ...columns(rows, width),
    '',
    ...restore,
    ...search,
  ]
  return `${fitted(lines.join('\n').trimEnd(), width)}\n`
}

function age(takenAt: string, now: Date): string {
  const seconds = (now.getTime() - Date.parse(takenAt)) / 1000
  if (seconds < 0) return 'in the future'
  // To the minute: a list of backups is no stopwatch.
  return seconds < 60 ? 'under a minute' : duration(Math.floor(seconds / 60) * 60)
}

const provenText = ({ run, runbook, at, by }: Proven): string =>
  `${at.slice(0, 10)} by ${runbook} (${run})${by === 'same-name' ? ', by its name and size' : ''}`

const fitsText = ({ fits, why }: ListedBackup): string =>
  fits === true
    ? why === null
      ? 'yes'
      : `yes, but ${why}`
    : `${fits === null ? 'not known' : 'no'}: ${why ?? ''}`
