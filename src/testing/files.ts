import type { Files } from '../drivers/files.ts'
import { RunbookError } from '../kernel/errors.ts'
import { digestOf, sha256 } from '../kernel/json.ts'
import {
  changedOn,
  forget,
  freeOn,
  identityOn,
  kindOn,
  modifiedOn,
  parentOf,
  parentsOf,
  permissionsOn,
  placeOn,
  pointOn,
  renamedOn,
  resolvedOn,
  spend,
  treeOn,
  type Disk,
} from './disk.ts'

/** Files of the in-memory disk. Missing files, obstacles and a full disk fail as on a real one. */
export function fakeFiles(disk: Disk): Files {
  const refuse = (doing: string, path: string, why: string): never => {
    throw new RunbookError('failed', `${doing} ${path}: ${why}`, { hint: 'check the disk of the test' })
  }
  const mayWrite = (doing: string, path: string): void => {
    disk.beforeChange(doing, path)
    const kind = kindOn(disk, path)
    if (kind === 'link') refuse(`cannot ${doing}`, path, 'it is a symbolic link, and links are not followed')
    if (kind === 'directory') refuse(`cannot ${doing}`, path, 'not a regular file')
    if (!disk.folders.has(parentOf(path))) refuse(`cannot ${doing}`, path, 'no such file or folder')
  }
  const bodyOf = (doing: string, at: string): Uint8Array => {
    const kind = kindOn(disk, at)
    const why =
      kind === null
        ? 'no such file or folder'
        : kind === 'link'
          ? 'it is a symbolic link'
          : 'not a regular file'
    return disk.files.get(at) ?? refuse(doing, at, why)
  }
  const put = (from: string, to: string, body: Uint8Array): string => {
    spend(disk, body.length, to)
    const permissions = disk.files.has(to) ? permissionsOn(disk, to) : permissionsOn(disk, from)
    disk.files.set(to, Uint8Array.from(body))
    if (disk.permissions.has(from) || disk.permissions.has(to)) disk.permissions.set(to, permissions)
    return sha256(body)
  }
  return {
    async stat(path) {
      const at = placeOn(path)
      const kind = kindOn(disk, at)
      if (kind === null) return null
      const device = disk.mounts.get(pointOn(disk, at))?.device ?? 1
      return {
        kind,
        bytes: disk.files.get(at)?.length ?? 0,
        ...permissionsOn(disk, at),
        device,
        identity: identityOn(disk, at),
        modifiedAt: modifiedOn(disk, at).toISOString(),
        changedAt: changedOn(disk, at),
      }
    },
    async read(path, maxBytes) {
      const at = placeOn(path)
      const body = bodyOf('cannot read', at)
      if (body.length > maxBytes) refuse('cannot read', at, `larger than the limit of ${maxBytes} bytes`)
      return Uint8Array.from(body)
    },
    head: async (path, bytes) => Uint8Array.from(bodyOf('cannot read', placeOn(path)).subarray(0, bytes)),
    linkTarget: async (path) => disk.links.get(placeOn(path)) ?? null,
    async realPath(path, timeoutSeconds) {
      const real = resolvedOn(disk, placeOn(path))
      if (disk.mounts.get(pointOn(disk, real))?.dead === true)
        refuse('the file system of', real, `did not answer within ${timeoutSeconds} s`)
      return placeOn(real)
    },
    // A write here is complete or has not begun.
    unfinished: async () => false,
    async list(path) {
      const at = placeOn(path)
      if (!disk.folders.has(at))
        refuse(
          'cannot list',
          at,
          kindOn(disk, at) === 'link' ? 'it is a symbolic link' : 'no such file or folder',
        )
      const within = treeOn(disk, at === '/' ? '' : at).filter((one) => one !== '/' && parentOf(one) === at)
      return within.map((one) => one.slice(one.lastIndexOf('/') + 1)).sort()
    },
    async freeBytes(path) {
      return freeOn(disk, placeOn(path))
    },
    async shownAt(path) {
      const at = placeOn(path)
      return [...disk.mounts].flatMap(([point, { source }]) =>
        source === at || source.startsWith(`${at}/`) ? [point] : [],
      )
    },
    async missingRight(folder) {
      const at = [...parentsOf(placeOn(folder)), placeOn(folder)].findLast((one) => disk.folders.has(one))
      return at === undefined || !disk.denied.has(at)
        ? null
        : {
            lacks: `the right to create and remove files in ${at} (owner 0)`,
            certain: true,
            cures: [`setfacl -m u:1000:rwx ${at}`],
          }
    },
    hash: async (path) => sha256(bodyOf('cannot read', placeOn(path))),
    async tree(path) {
      const at = placeOn(path)
      if (kindOn(disk, at) === null) refuse('cannot read', at, 'no such file or folder')
      const all = treeOn(disk, at).toSorted()
      const bodies = all.flatMap((one) => disk.files.get(one) ?? [])
      const prints = all.map((one) => [
        one.slice(at.length),
        kindOn(disk, one),
        permissionsOn(disk, one),
        sha256(disk.files.get(one) ?? disk.links.get(one) ?? ''),
      ])
      return {
        files: bodies.length,
        folders: all.filter((one) => disk.folders.has(one)).length,
        others: all.filter((one) => disk.links.has(one)).length,
        bytes: bodies.reduce((total, body) => total + body.length, 0),
        digest: digestOf(prints),
      }
    },
    async mount(path, timeoutSeconds) {
      const at = placeOn(path)
      const point = pointOn(disk, at)
      const mount = disk.mounts.get(point)
      if (mount?.dead === true) refuse('the file system of', at, `did not answer within ${timeoutSeconds} s`)
      if (kindOn(disk, at) === null) refuse('cannot read the file system of', at, 'no such file or folder')
      if (mount === undefined)
        return {
          point,
          device: 1,
          type: 'ext4',
          source: '/dev/pretended',
          bytesTotal: 2e12,
          bytesFree: disk.freeBytes,
        }
      const { device, type, source, bytesTotal, freeBytes } = mount
      return { point, device, type, source, bytesTotal, bytesFree: freeBytes }
    },
    async makeFolder(path) {
      const at = placeOn(path)
      disk.beforeChange('create folder', at)
      for (const one of [...parentsOf(at), at]) {
        const kind = kindOn(disk, one)
        if (kind === 'file' || kind === 'link') refuse('cannot create folder', at, 'already exists')
        disk.folders.add(one)
      }
    },
    async write(path, body, { mode } = {}) {
      const at = placeOn(path)
      mayWrite('write', at)
      const bytes = Buffer.from(body)
      spend(disk, bytes.length, at)
      const isNew = !disk.files.has(at)
      disk.files.set(at, bytes)
      if (isNew && mode !== undefined) disk.permissions.set(at, { ...permissionsOn(disk, at), mode })
    },
    async copy(from, to) {
      const [source, target] = [placeOn(from), placeOn(to)]
      const body = bodyOf('cannot copy', source)
      disk.beforeChange('copy', target)
      if (kindOn(disk, target) !== null) refuse('cannot copy to', target, 'already exists')
      if (!disk.folders.has(parentOf(target))) refuse('cannot copy to', target, 'no such file or folder')
      return put(source, target, body)
    },
    async replace(path, from) {
      const [target, source] = [placeOn(path), placeOn(from)]
      const body = bodyOf('cannot replace with', source)
      mayWrite('replace', target)
      if (kindOn(disk, target) === null) refuse('cannot replace', target, 'no such file')
      return put(source, target, body)
    },
    async move(from, to) {
      const [source, target] = [placeOn(from), placeOn(to)]
      disk.beforeChange('move', target)
      if (kindOn(disk, source) === null || !disk.folders.has(parentOf(target)))
        refuse(`cannot move ${source} to`, target, 'no such file or folder')
      if (kindOn(disk, target) !== null) refuse(`cannot move ${source} to`, target, 'already exists')
      if (target.startsWith(`${source}/`)) refuse(`cannot move ${source} to`, target, 'it is inside it')
      if (disk.mounts.has(source))
        refuse(`cannot move ${source} to`, target, 'it is in use, for example as a mount point')
      if (pointOn(disk, source) !== pointOn(disk, target))
        refuse(`cannot move ${source} to`, target, 'it is on another file system')
      renamedOn(disk, source, target, () => {
        for (const one of treeOn(disk, source)) {
          const moved = `${target}${one.slice(source.length)}`
          for (const known of [
            disk.files,
            disk.links,
            disk.modifiedAt,
            disk.permissions,
            disk.identities,
          ] as readonly Map<string, unknown>[]) {
            if (known.has(one)) known.set(moved, known.get(one))
          }
          if (disk.folders.has(one)) disk.folders.add(moved)
          forget(disk, one)
        }
      })
    },
    async writeLink(path, target) {
      const at = placeOn(path)
      disk.beforeChange('write link', at)
      const kind = kindOn(disk, at)
      if (kind !== null && kind !== 'link') refuse('cannot write link', at, 'not a symbolic link')
      if (!disk.folders.has(parentOf(at))) refuse('cannot write link', at, 'no such file or folder')
      disk.links.set(at, target)
    },
    async append(path, text) {
      const at = placeOn(path)
      mayWrite('append to', at)
      const bytes = Buffer.from(text)
      spend(disk, bytes.length, at)
      disk.files.set(at, Buffer.concat([disk.files.get(at) ?? new Uint8Array(0), bytes]))
    },
    async removeTree(path) {
      const at = placeOn(path)
      disk.beforeChange('remove', at)
      if (at === '/') refuse('cannot remove', at, 'this program runs in it')
      const mounted = [...disk.mounts.keys()].find((point) => point === at || point.startsWith(`${at}/`))
      if (mounted !== undefined) refuse('cannot remove', at, `it contains mount points (${mounted})`)
      for (const one of treeOn(disk, at)) forget(disk, one)
    },
  }
}
