import { sha256 } from '../kernel/json.ts'
import { shellWord } from '../kernel/shell-quote.ts'
import type { Checksum, ChecksumLookup } from './checksum-list.ts'

/** The file that makes a folder a dump of pg_dump -Fd. */
export const tableOfContents = 'toc.dat'

/** Whether a file in the folder of a dump belongs to it, and does not vouch for it. */
export const isPartOfDump = (name: string): boolean =>
  !/^(?:sha256sums?|checksums?)(?:\.txt)?$|\.(?:sha256|sha256sum)$/i.test(name)

/**
 * One digest for all files of a folder, whatever order they are read in: that of what
 * `LC_ALL=C sha256sum *` prints in it.
 */
export const folderDigest = (files: readonly Checksum[]): string =>
  sha256(
    files
      .toSorted((one, other) => Buffer.compare(Buffer.from(one.name), Buffer.from(other.name)))
      .map((file) => `${file.sha256}  ${file.name}\n`)
      .join(''),
  )

/** What is known of a folder without reading its files. */
export type FolderOfDump = {
  readonly name: string
  /** Of the files that belong to the dump. */
  readonly files: readonly string[]
}

/**
 * Looks up a folder in a list. Names are compared by their last parts, since lists often contain absolute paths of another
 * machine; the list must name every file of the folder, and no other.
 * @param where whether the list lies in the folder, so that bare names are its files, or beside it
 */
export function checksumsOfFolder(
  list: readonly Checksum[],
  { name: folder, files }: FolderOfDump,
  where: 'in it' | 'beside it',
): ChecksumLookup {
  if (list.length === 0) return { kind: 'no-checksum' }
  const listed = list.flatMap(({ name: path, sha256: digest }) => {
    const [name = '', parent = '.'] = path.split('/').toReversed()
    const ofFolder = parent === folder || (where === 'in it' && parent === '.')
    return name !== '' && ofFolder && isPartOfDump(name) ? [{ name, sha256: digest }] : []
  })
  if (listed.length === 0) return { kind: 'other-names', names: list.map((line) => line.name) }
  const byName = Map.groupBy(listed, ({ name }) => name)
  for (const same of byName.values()) {
    const hashes = [...new Set(same.map((line) => line.sha256))]
    if (hashes.length > 1) return { kind: 'conflict', hashes }
  }
  const missing = [...byName.keys()].find((name) => !files.includes(name))
  if (missing !== undefined) return { kind: 'unequal', why: `names ${shellWord(missing)}, which is missing` }
  const unnamed = files.find((name) => !byName.has(name))
  if (unnamed !== undefined) return { kind: 'unequal', why: `does not name ${shellWord(unnamed)}` }
  return { kind: 'found', sha256: folderDigest([...byName.values()].flatMap(([first]) => first ?? [])) }
}
