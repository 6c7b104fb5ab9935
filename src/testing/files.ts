import type { Files } from '../drivers/files.ts'
import { RunbookError } from '../kernel/errors.ts'
import { kindOn, modifiedOn, parentOf, parentsOf, placeOn, spend, treeOn, type Disk } from './disk.ts'

/** Files of a pretended disk: what is there, what is not, what is in the way and when it is full, as on a real one. */
export function memoryFiles(disk: Disk): Files {
  const refuse = (doing: string, path: string, why: string): never => {
    throw new RunbookError('failed', `${doing} ${path}: ${why}`, { hint: 'look at the disk of the test' })
  }
  const mayWrite = (doing: string, path: string): void => {
    disk.beforeChange(doing, path)
    const there = kindOn(disk, path)
    if (there === 'link') refuse(`could not ${doing}`, path, 'it is a symbolic link, and links are not followed here')
    if (there === 'directory') refuse(`could not ${doing}`, path, 'it is no regular file')
    if (!disk.folders.has(parentOf(path))) refuse(`could not ${doing}`, path, 'no such file or folder')
  }
  return {
    async stat(path) {
      const at = placeOn(path)
      const kind = kindOn(disk, at)
      if (kind === null) return null
      const mode = kind === 'file' ? 0o600 : kind === 'directory' ? 0o700 : 0o777
      return { kind, bytes: disk.files.get(at)?.length ?? 0, mode, modifiedAt: modifiedOn(disk, at).toISOString() }
    },
    async read(path, maxBytes) {
      const at = placeOn(path)
      const body = disk.files.get(at)
      if (body === undefined) {
        const kind = kindOn(disk, at)
        return refuse('could not read', at, kind === null ? 'no such file or folder' : kind === 'link' ? 'it is a symbolic link' : 'it is no regular file')
      }
      if (body.length > maxBytes) refuse('could not read', at, `it has more than the ${maxBytes} bytes that are allowed here`)
      return Uint8Array.from(body)
    },
    async list(path) {
      const at = placeOn(path)
      if (!disk.folders.has(at)) refuse('could not list', at, kindOn(disk, at) === 'link' ? 'it is a symbolic link' : 'no such file or folder')
      const within = treeOn(disk, at === '/' ? '' : at).filter((one) => one !== '/' && parentOf(one) === at)
      return within.map((one) => one.slice(one.lastIndexOf('/') + 1)).sort()
    },
    async freeBytes(path) {
      placeOn(path)
      return disk.freeBytes
    },
    async makeFolder(path) {
      const at = placeOn(path)
      disk.beforeChange('make the folder', at)
      for (const one of [...parentsOf(at), at]) {
        const kind = kindOn(disk, one)
        if (kind === 'file' || kind === 'link') refuse('could not make the folder', at, 'something else is there already')
        disk.folders.add(one)
      }
    },
    async write(path, body) {
      const at = placeOn(path)
      mayWrite('write', at)
      const bytes = Buffer.from(body)
      spend(disk, bytes.length, at)
      disk.files.set(at, bytes)
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
      if (at === '/') refuse('could not remove', at, 'this program runs in it')
      for (const one of treeOn(disk, at)) {
        disk.files.delete(one)
        disk.folders.delete(one)
        disk.links.delete(one)
      }
    },
  }
}
