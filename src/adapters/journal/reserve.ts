import { randomBytes } from 'node:crypto'
import { closeSync, constants, fchmodSync, lstatSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { isNoSpace } from './errors.ts'
import { reserveBytes, spareFileBytes, spareFiles } from './room.ts'

/**
 * Reserved space, so that outcomes can be written on a full disk; entries that begin something never use it.
 * Shared by all processes of a state folder; random bytes, so that no file system can compress it.
 */
export class Reserve {
  readonly #path: string
  readonly #size: number

  constructor(path: string, size: number = reserveBytes) {
    this.#path = path
    this.#size = size
  }

  /** Reserves the space if missing. @returns false if the disk is full */
  ensure(): boolean {
    if (this.#bytes() === this.#size) return true
    this.release()
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
    let file: number
    try {
      file = openSync(this.#path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    } catch (thrown) {
      // Another process is creating it.
      if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') return true
      if (isNoSpace(thrown)) return false
      throw thrown
    }
    try {
      fchmodSync(file, 0o600)
      const body = randomBytes(this.#size)
      for (let done = 0; done < this.#size;) done += writeSync(file, body, done)
      return true
    } catch (thrown) {
      this.release()
      if (isNoSpace(thrown)) return false
      throw thrown
    } finally {
      closeSync(file)
    }
  }

  /** @returns whether there was something to release */
  release(): boolean {
    try {
      unlinkSync(this.#path)
      return true
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return false
      throw thrown
    }
  }

  #bytes(): number | null {
    return lstatSync(this.#path, { throwIfNoEntry: false })?.size ?? null
  }
}

/**
 * Space and inodes to open the journal on a full disk, for the commands that end an open run or make room.
 * Many small files, since the WAL, a lock, a head and the evidence of a run need inodes, too.
 */
export class Spare {
  readonly #files: readonly Reserve[]

  /** @param folder the private state folder */
  constructor(folder: string) {
    this.#files = Array.from(
      { length: spareFiles },
      (_, at) => new Reserve(join(folder, `spare-${at}`), spareFileBytes),
    )
  }

  /** Reserves what is missing, as far as there is room. @returns false if the disk is full */
  ensure(): boolean {
    return this.#files.every((file) => file.ensure())
  }

  /** @returns whether there was something to release */
  release(): boolean {
    return this.#files.map((file) => file.release()).includes(true)
  }
}
