import { emptyHint } from './empty-backup.ts'
import type { Backup, BackupPlace, Expected, SidecarFiles, Undated, Verified } from '../drivers/backups.ts'
import { RunbookError } from '../kernel/errors.ts'
import { shellWord } from '../kernel/shell-quote.ts'
import { manifestFiles, vouchedBy, type ManifestSeal } from './backup-manifest.ts'
import { checksumsBeside, checksumsIn, type Beside } from './checksum-files.ts'
import { checksumFor } from './checksum-list.ts'
import { checksumsOfFolder, type FolderOfDump } from './dump-folder.ts'

/** Clocks of two machines differ a little; a backup further ahead has a wrong time. */
const skewMilliseconds = 60_000

const refused = (message: string, hint: string): RunbookError =>
  new RunbookError('verification', message, { hint })

/** Newest first; at equal times by descending name, so the order is the same everywhere. */
export function newestFirst(backups: readonly Backup[]): readonly Backup[] {
  return backups.toSorted(
    (one, other) => Date.parse(other.takenAt) - Date.parse(one.takenAt) || (one.name < other.name ? 1 : -1),
  )
}

export const latestFirst = (files: readonly Undated[]): readonly Undated[] =>
  files.toSorted(
    (one, other) =>
      Date.parse(other.modifiedAt) - Date.parse(one.modifiedAt) || (one.name < other.name ? 1 : -1),
  )

/** When a backup was taken, by its name, or else by its modification time. */
export const timesOf = (
  { takenAt, takenBy }: { readonly takenAt: Date | null; readonly takenBy?: Date },
  modified: Date,
): Pick<Backup, 'takenAt' | 'takenBy' | 'dated'> => ({
  takenAt: (takenAt ?? modified).toISOString(),
  dated: takenAt === null ? 'by-mtime' : 'by-name',
  ...(takenBy === undefined ? {} : { takenBy: takenBy.toISOString() }),
})

/**
 * Checks a backup without reading it.
 * @throws RunbookError `verification` if it is empty, smaller than `minBytes`, or dated in the future
 */
export function mustBePlausible(place: BackupPlace, backup: Backup, now: Date): void {
  const file = shellWord(backup.file)
  if (backup.bytes === 0) {
    throw refused(`backup ${file} is empty (0 bytes)`, emptyHint)
  }
  if (backup.bytes < place.minBytes) {
    throw refused(
      `backup ${file} is too small: ${backup.bytes} bytes, expected at least ${place.minBytes} (minBytes)`,
      `compare it with the others: ls -l ${shellWord(place.directory)}; ` +
        'lower minBytes in runbook.config.ts only if it is complete',
    )
  }
  const ahead = Date.parse(backup.takenAt) - now.getTime()
  if (ahead > skewMilliseconds) {
    throw refused(
      `backup ${file} is dated in the future: ${backup.takenAt}, ${Math.ceil(ahead / 60_000)} minutes ahead`,
      'check the clocks of this machine and of the one that makes the backups (date -u)' +
        (backup.dated === 'by-name'
          ? '; times in names are read as UTC'
          : ', or use names with the time and {time} in the pattern'),
    )
  }
}

/** A checksum file beside a backup, with its path. */
export type ChecksumFile = {
  readonly file: string
  readonly kind: Beside['kind']
  readonly text: string
  /** Of a backup that is a folder: the file lies in it. */
  readonly inside?: true
}

/** What lies beside a backup: checksum files, the most specific first, and names that look like one. */
export type ChecksumFiles = {
  readonly read: readonly ChecksumFile[]
  readonly unread: readonly string[]
  /** Set where the backup is a folder. */
  readonly folder?: FolderOfDump
}

/**
 * The expected hash of a backup, from the first file that names it; null if there is none and none is
 * required.
 * @throws RunbookError `verification`: a required checksum is missing, or a checksum file is empty, has no
 *   checksum, names other files only, or contradicts itself
 */
export function expectedHash(
  place: BackupPlace,
  backup: Backup,
  { read, unread, folder }: ChecksumFiles,
): Expected | null {
  const unlisted: string[] = []
  for (const { file, kind, text, inside } of read) {
    const alone = kind === 'own' || kind === 'lock'
    // Other tools write such files too, for other purposes.
    const lenient = kind === 'lock' || kind === 'checksums'
    if (text.trim() === '' && !lenient)
      throw refused(`checksum file ${shellWord(file)} is empty`, fetchAgain(file))
    const list = checksumsIn(kind, text)
    const found =
      folder === undefined
        ? checksumFor(list, backup.name, alone)
        : checksumsOfFolder(list, folder, inside === true ? 'in it' : 'beside it')
    if (found.kind === 'found') return { sha256: found.sha256, checksumFile: file }
    if (found.kind === 'no-checksum' && !lenient)
      throw refused(`no SHA-256 checksum in ${shellWord(file)}`, fetchAgain(file))
    if (found.kind === 'conflict') {
      throw refused(
        `${shellWord(file)} lists ${found.hashes.length} different checksums for ${shellWord(backup.name)}`,
        `choose another backup: ls -l ${shellWord(place.directory)}`,
      )
    }
    if (found.kind === 'unequal')
      throw refused(
        `${shellWord(file)} does not fit the folder ${shellWord(backup.file)}: it ${found.why}`,
        `choose another backup, or copy this folder again with all of its files`,
      )
    if (kind === 'own' && found.kind === 'other-names') {
      const names = found.names.slice(0, 3).map(shellWord).join(', ')
      throw refused(
        `checksum file ${shellWord(file)} is for another file: it names ${names}, not ${shellWord(backup.name)}`,
        fetchAgain(file),
      )
    }
    unlisted.push(file)
  }
  if (place.checksums === 'if-present') return null
  const name = shellWord(backup.name)
  const missing =
    unlisted.length > 0
      ? `not listed in ${unlisted.map(shellWord).join(', ')}`
      : folder === undefined
        ? `no ${shellWord(`${backup.name}.sha256`)} and no SHA256SUMS beside it`
        : `no ${shellWord(`${backup.name}.sha256`)} beside it, and no SHA256SUMS in it or beside it`
  const others =
    unread.length === 0
      ? ''
      : `; ${unread.map(shellWord).join(', ')} beside it do not count, since they are not SHA-256`
  throw refused(
    `no checksum for backup ${shellWord(backup.file)}, but checksums are required: ${missing}${others}`,
    `if it is as it was made: (cd ${shellWord(dirname(backup.file))} && sha256sum ${folder === undefined ? name : `${name}/*`} > ${name}.sha256); ` +
      `if none is ever made there, set backups.checksums: 'if-present' in runbook.config.ts (data.checksums or bundle.checksums for theirs)`,
  )
}

const dirname = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')))

function fetchAgain(file: string): string {
  return `fetch ${shellWord(file)} again from its source, or choose another backup`
}

/** What vouches for a backup that is kept elsewhere, from the files beside it there, as `checksumOf` decides. */
export async function judgedBeside(
  place: BackupPlace,
  backup: Backup,
  { names, read }: SidecarFiles,
  { seal, now }: { readonly seal: ManifestSeal; readonly now: Date },
): Promise<Expected | null> {
  mustBePlausible(place, backup, now)
  const text = (name: string): string | null => {
    const body = read.get(name)
    return body === undefined ? null : new TextDecoder().decode(body)
  }
  const beside = (name: string): string => `${dirname(backup.file)}/${name}`
  const [manifest, signature] = manifestFiles(backup.name)
  const found =
    read.has(manifest) || read.has(signature)
      ? { file: beside(manifest), body: read.get(manifest) ?? null, signature: text(signature) }
      : null
  return vouchedBy(place, backup, found, seal, async () => {
    const sidecars = checksumsBeside([backup.name], names)
    const files = sidecars.read.flatMap(({ name, kind }) => {
      const contents = text(name)
      return contents === null ? [] : [{ file: beside(name), kind, text: contents }]
    })
    return expectedHash(place, backup, { read: files, unread: sidecars.unread })
  })
}

/** @throws RunbookError `verification` on a checksum mismatch */
export function verified(backup: Backup, expected: Expected | null, sha256: string): Verified {
  if (expected !== null && expected.sha256 !== sha256) {
    throw refused(
      `checksum mismatch in ${shellWord(backup.file)}: ` +
        `expected ${expected.sha256} (${shellWord(expected.checksumFile)}), found ${sha256}`,
      'the file is damaged or was changed: choose another backup, or fetch this one again',
    )
  }
  return {
    ...backup,
    sha256,
    checksumFile: expected?.checksumFile ?? null,
    ...(expected?.manifest === undefined ? {} : { manifest: expected.manifest }),
  }
}
