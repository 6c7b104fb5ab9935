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

const otherHash = '(?:md5|sha1|sha224|sha384|sha512|sha3|b2|blake2b?|b3|blake3|crc32|ck)'
const unreadEnding = new RegExp(
  `\\.(?:${otherHash}(?:sums?)?(?:\\.txt)?|hash|digest|asc|sig|minisig|signify)$`,
  'i',
)
const unreadList = new RegExp(
  `^(?:${otherHash}sums?|shasums?512|checksums?[._-]${otherHash})(?:\\.txt)?$`,
  'i',
)

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
  const own = ['.sha256', '.sha256sum', '.sha256.txt', '.sha256sum.txt', '.SHA256', '.SHA256SUM']
  add('own', named(backups, own))
  add('lock', named([...backups, ...stems], ['.lock.json']))
  add('list', matching(/^(?:sha256(?:sums?)?|shasums?256|checksums?[._-]sha256)(?:\.txt)?$/i))
  add('checksums', named(stems, own))
  add('checksums', named(backups, ['.checksum', '.checksums']))
  add('checksums', matching(/^checksums?(?:\.txt)?$/i))
  const unread = names.filter(
    (one) =>
      !found.has(one) &&
      !backups.includes(one) &&
      !one.endsWith('.manifest.json.sig') &&
      (unreadList.test(one) ||
        (unreadEnding.test(one) && [...backups, ...stems].some((start) => one.startsWith(`${start}.`)))),
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
