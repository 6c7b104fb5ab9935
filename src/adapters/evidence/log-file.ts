import { closeSync, constants, fstatSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { syncFolderNow } from '../disk/durable.ts'
import { systemCode } from './errors.ts'

/** Opens or creates a private log file for appending; does not follow a link. */
export function openLog(path: string, create: boolean): number {
  const { O_RDWR, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants
  const flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK
  if (create) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    try {
      const fd = openSync(path, flags | O_CREAT | O_EXCL, 0o600)
      syncFolderNow(dirname(path))
      return fd
    } catch (thrown) {
      if (systemCode(thrown) !== 'EEXIST') throw thrown
    }
  }
  const fd = openSync(path, flags)
  const facts = fstatSync(fd)
  if (facts.isFile() && facts.nlink === 1 && facts.uid === process.geteuid?.()) return fd
  closeSync(fd)
  throw new Error('it is not a private regular file')
}

/** Creates a file that must not exist. */
export function createPiece(path: string): number {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  return openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
}

/** write(2) may write less than requested, for example on an almost full disk. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done)
}
