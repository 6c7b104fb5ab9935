import { posix } from 'node:path'
import { folderDigest, isPartOfDump, tableOfContents } from '../formats/dump-folder.ts'
import { sha256 } from '../kernel/json.ts'
import { modifiedOn, type Disk } from './disk.ts'

/** The files of a folder of pg_dump -Fd on the in-memory disk; null for anything else. */
export const partsOn = ({ files }: Disk, path: string): readonly string[] | null =>
  files.has(`${path}/${tableOfContents}`)
    ? [...files.keys()].filter((one) => posix.dirname(one) === path && isPartOfDump(posix.basename(one)))
    : null

/** Size and digest of a dump, file or folder, as the real drivers state them; undefined where there is none. */
export function measuredOn(
  disk: Disk,
  path: string,
): { readonly bytes: number; readonly sha256: string } | undefined {
  const parts = partsOn(disk, path)
  const body = disk.files.get(path)
  if (parts === null) return body === undefined ? undefined : { bytes: body.length, sha256: sha256(body) }
  const all = parts.map((part) => ({ name: posix.basename(part), body: disk.files.get(part) ?? '' }))
  return {
    bytes: all.reduce((sum, part) => sum + part.body.length, 0),
    sha256: folderDigest(all.map(({ name, body: one }) => ({ name, sha256: sha256(one) }))),
  }
}

/** What a pretended dump holds; that of a folder is in its table of contents. */
export const dumpOn = ({ files }: Disk, path: string): Uint8Array | undefined =>
  files.get(path) ?? files.get(`${path}/${tableOfContents}`)

export const dumpModifiedOn = (disk: Disk, path: string): Date =>
  new Date(Math.max(...(partsOn(disk, path) ?? [path]).map((part) => modifiedOn(disk, part).getTime())))
