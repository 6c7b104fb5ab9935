import { checksumList, type Checksum } from './checksum-list.ts'

/** A file beside a backup that may hold its checksum. */
export type Beside = {
  readonly name: string
  /**
   * `own`: named after the backup, so it must name it. `lock`: the lock file of a bundle. `list`: of several
   * files; `checksums` has no name that promises SHA-256, so it may hold other hashes.
   */
  readonly kind: 'own' | 'lock' | 'list' | 'checksums'
}

const extensions = /(?:\.(?:tar|gz|tgz|zst|xz|bz2|gpg|age|asc|dump|db|sql|sqlite3?))+$/

/**
 * Sorts the names in the folder of a backup: those to read for its SHA-256, the most specific first, and
 * those that look like its checksum or signature but are not read.
 * @param backups the names of the backup: of the file, and of a link to it
 */
export function checksumsBeside(
  backups: readonly string[],
  names: readonly string[],
): { readonly read: readonly Beside[]; readonly unread: readonly string[] } {
  const stems = backups.map((backup) => backup.replace(extensions, ''))
  const named = (starts: readonly string[], endings: readonly string[]): readonly string[] => {
    const wanted = starts.flatMap((start) => endings.map((ending) => start + ending))
    return wanted.filter((one) => names.includes(one))
  }
  const matching = (pattern: RegExp): readonly string[] => names.filter((one) => pattern.test(one)).toSorted()
  const found = new Map<string, Beside['kind']>()
  const add = (kind: Beside['kind'], some: readonly string[]): void => {
    for (const name of some) if (!found.has(name)) found.set(name, kind)
  }
  add('own', named(backups, ['.sha256', '.sha256sum', '.SHA256']))
  add('lock', named([...backups, ...stems], ['.lock.json']))
  add('list', matching(/^sha256sums?(?:\.txt)?$/i))
  add('checksums', named(stems, ['.sha256']))
  add('checksums', matching(/^checksums?(?:\.txt)?$/i))
  const others = /\.(?:md5|md5sum|sha1|sha1sum|sha512|sha512sum|b2|asc|sig|minisig)$/
  const unread = names.filter(
    (one) =>
      (others.test(one) &&
        !one.endsWith('.manifest.json.sig') &&
        backups.some((backup) => one.startsWith(`${backup}.`))) ||
      /^(?:md5|sha1|sha512|b2)sums?(?:\.txt)?$/i.test(one),
  )
  return { read: [...found].map(([name, kind]) => ({ name, kind })), unread: unread.toSorted() }
}

/** The checksums in such a file. A lock file that is not JSON, or states none, has none. */
export function checksumsIn(kind: Beside['kind'], text: string): readonly Checksum[] {
  if (kind !== 'lock') return checksumList(text)
  const lock = objectOf(text)
  const { tarball, tarball_sha256: hash } = lock ?? {}
  return typeof hash === 'string' && /^[0-9a-fA-F]{64}$/.test(hash)
    ? [{ sha256: hash.toLowerCase(), name: typeof tarball === 'string' ? tarball : '' }]
    : []
}

function objectOf(text: string): { readonly [key: string]: unknown } | null {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null
      ? (parsed as { readonly [key: string]: unknown })
      : null
  } catch {
    return null
  }
}
