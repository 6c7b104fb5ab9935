import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  lstatSync,
  openSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'

/** What a file system lacks when it takes no more. */
export type Shortage = 'space' | 'inodes' | 'quota'

/** More than SQLite needs to open a journal: 32 KiB for the index of its WAL. */
const neededBytes = 1 << 16

/** Files that SQLite and the head of a run need: the database, its WAL and index, a lock, a head. */
const neededFiles = 5

/** Space for some hundred entries. */
export const reserveBytes = 1 << 20

export const spareFiles = 32
export const spareFileBytes = 1 << 15

/**
 * Whether nothing can be written in a folder, tried with a file that is unlinked at once: a quota does not
 * show in statfs(2), and SQLite hides the error number behind "disk I/O error" or "unable to open database
 * file". Null if there is room, and for any other failure.
 */
export function shortageIn(folder: string): Shortage | null {
  // Creating the folder itself may be what failed.
  if (!existsSync(folder) && dirname(folder) !== folder) return shortageIn(dirname(folder))
  try {
    const path = join(folder, `room-${process.pid}`)
    const file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600)
    try {
      unlinkSync(path)
      const body = Buffer.alloc(neededBytes, 1)
      for (let done = 0; done < neededBytes;) done += writeSync(file, body, done)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    return null
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (code === 'EDQUOT') return 'quota'
    return code === 'ENOSPC' ? shortageByCount(folder) : null
  }
}

/** ENOSPC stands for both; btrfs counts no inodes and reports 0 of 0. */
function shortageByCount(folder: string): Shortage {
  const { files, ffree } = statfsSync(folder)
  return files > 0 && ffree === 0 ? 'inodes' : 'space'
}

/** What a state folder lacks until a run can begin there, and what its file system has left. */
export type Room = {
  readonly needed: { readonly bytes: number; readonly files: number }
  readonly free: { readonly bytes: number; readonly files: number }
}

/** Null where the file system does not say. */
export function roomIn(folder: string): Room | null {
  if (!existsSync(folder) && dirname(folder) !== folder) {
    const above = roomIn(dirname(folder))
    return above === null ? null : { ...above, needed: neededIn(folder) }
  }
  try {
    const { bavail, bsize, ffree } = statfsSync(folder)
    return { needed: neededIn(folder), free: { bytes: bavail * bsize, files: ffree } }
  } catch {
    return null
  }
}

function neededIn(folder: string): Room['needed'] {
  const reserves = [
    ['reserve', reserveBytes] as const,
    ...Array.from({ length: spareFiles }, (_, at) => [`spare-${at}`, spareFileBytes] as const),
  ].filter(([name, bytes]) => lstatSync(join(folder, name), { throwIfNoEntry: false })?.size !== bytes)
  return {
    bytes: neededBytes + reserves.reduce((sum, [, bytes]) => sum + bytes, 0),
    files: neededFiles + reserves.length,
  }
}
