import type { Packing } from '../drivers/archives.ts'
import { RunbookError } from '../kernel/errors.ts'
import { excludedWithParents } from '../formats/exclusion.ts'
import { kindOn, parentOf, parentsOf, placeOn, treeOn, type Disk } from './disk.ts'

export type FakeMember = {
  readonly name: string
  readonly kind: 'file' | 'folder' | 'symbolic link' | 'hard link' | 'device' | 'pipe'
  readonly body?: string
  /** Defaults to 0644. */
  readonly mode?: number
}

export const unpackable = (folder: string, why: string): RunbookError =>
  new RunbookError('failed', `cannot pack ${folder}: ${why}`, { hint: 'check the disk of the test' })

/** What an archive of a folder of the in-memory disk has. */
export function membersOf(
  disk: Disk,
  { folder, only, as, exclude }: Packing,
  to: string | null,
): readonly FakeMember[] {
  const top = placeOn(folder)
  if (!disk.folders.has(top))
    throw unpackable(top, kindOn(disk, top) === null ? 'no such file or folder' : 'not a folder')
  const relative = (path: string): string => path.slice(top === '/' ? 1 : top.length + 1)
  const all = treeOn(disk, top)
    .map(relative)
    .filter((path) => path !== '' && placeOn(`${top}/${path}`) !== to)
  const listed = only?.flatMap((path) => [
    ...parentsOf(`/${path}`)
      .slice(1)
      .map((parent) => parent.slice(1)),
    path,
  ])
  for (const path of only ?? []) {
    if (placeOn(`/${path}`) !== `/${path}`) throw unpackable(top, `${path} is not a path inside it`)
    if (excludedWithParents(path, exclude)) continue
    const kind = kindOn(disk, `${top}/${path}`)
    if (kind === null || kind === 'directory')
      throw unpackable(top, kind === null ? `${path} not found` : `${path} is a folder, but listed as a file`)
  }
  const wanted = listed === undefined ? all : [...new Set(listed)]
  const paths = wanted.filter((path) => !excludedWithParents(path, exclude)).sort()
  return [
    { name: `${as}/`, kind: 'folder', mode: 0o755 },
    ...paths.map((path): FakeMember => {
      const at = `${top}/${path}`
      if (kindOn(disk, at) === 'directory') return { name: `${as}/${path}/`, kind: 'folder', mode: 0o755 }
      const target = disk.links.get(at)
      const behind =
        target === undefined ? at : placeOn(target.startsWith('/') ? target : `${parentOf(at)}/${target}`)
      const body = disk.files.get(behind)
      if (body === undefined)
        throw unpackable(
          top,
          `${path} is a link to ${kindOn(disk, behind) === null ? 'a missing file' : 'a folder'}`,
        )
      if (!behind.startsWith(`${top}/`))
        throw unpackable(top, `${path} is a link out of the folder, to ${behind}`)
      return { name: `${as}/${path}`, kind: 'file', body: Buffer.from(body).toString() }
    }),
  ]
}
