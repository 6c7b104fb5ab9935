import { closeSync, constants, fstatSync, openSync, readdirSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { syncFolderNow } from '../disk/durable.ts'
import { makeFoldersNow } from '../disk/make-folders.ts'
import { systemCode } from './errors.ts'

/** `made`: it was not there before, so all that is in it comes from this writer. */
export type OpenLog = { readonly fd: number; readonly made: boolean }

/** Opens or creates a private log file for appending; does not follow a link. */
export function openLog(path: string, create: boolean): OpenLog {
  const { O_RDWR, O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK } = constants
  const flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK
  if (create) {
    makeFoldersNow(dirname(path), 0o700)
    try {
      const fd = openSync(path, flags | O_CREAT | O_EXCL, 0o600)
      syncFolderNow(dirname(path))
      return { fd, made: true }
    } catch (thrown) {
      if (systemCode(thrown) !== 'EEXIST') throw thrown
    }
  }
  const fd = openSync(path, flags)
  const facts = fstatSync(fd)
  if (facts.isFile() && facts.nlink === 1 && facts.uid === process.geteuid?.()) return { fd, made: false }
  closeSync(fd)
  throw new Error('it is not a private regular file')
}

/** The numbers of the pieces beside each log in a folder, by its name. None where the folder is missing. */
export function piecesIn(folder: string): ReadonlyMap<string, readonly number[]> {
  const pieces = new Map<string, number[]>()
  try {
    for (const name of readdirSync(folder)) {
      const [, log, number] = /^(.+)\.part-([1-9][0-9]*)$/.exec(name) ?? []
      if (log !== undefined) pieces.set(log, [...(pieces.get(log) ?? []), Number(number)])
    }
  } catch (thrown) {
    if (systemCode(thrown) !== 'ENOENT') throw thrown
  }
  for (const numbers of pieces.values()) numbers.sort((one, other) => one - other)
  return pieces
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
