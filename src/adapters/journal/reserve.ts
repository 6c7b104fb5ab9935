import { randomBytes } from 'node:crypto'
import { closeSync, constants, fchmodSync, lstatSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { isNoSpace } from './errors.ts'

/** Space for some hundred entries. */
export const reserveBytes = 1 << 20

/**
 * Reserved space, so that outcomes can be written on a full disk; entries that begin something never use it.
 * Shared by all processes of a state folder; random bytes, so that no file system can compress it.
 */
export class Reserve {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  /** Reserves the space if missing. @returns false if the disk is full */
  ensure(): boolean {
    if (this.#bytes() === reserveBytes) return true
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
      const body = randomBytes(reserveBytes)
      for (let done = 0; done < reserveBytes;) done += writeSync(file, body, done)
      return true
    } catch (thrown) {
      this.release()
      if (isNoSpace(thrown)) return false
      throw thrown
    } finally {
      closeSync(file)
    }
  }

  release(): void {
    try {
      unlinkSync(this.#path)
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown
    }
  }

  #bytes(): number | null {
    return lstatSync(this.#path, { throwIfNoEntry: false })?.size ?? null
  }
}
