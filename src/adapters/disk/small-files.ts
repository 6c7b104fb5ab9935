import { constants, type Stats } from 'node:fs'
import { open } from 'node:fs/promises'

/** A larger file is read in pieces. Bytes. */
export const smallBytes = 256 * 1024
/** Each small file takes five calls, and Node's thread pool makes four at a time. */
const together = 8

/** A file became shorter while it was read. */
export class Shrunk extends Error {}

/** A file as it was before and after it was read. */
export type ReadFile = { readonly before: Stats; readonly content: Buffer; readonly after: Stats }

/** Reads small files before their turn, so that the calls for one need not wait for those for another. */
export class SmallFiles<T extends { readonly at: string; readonly isSmall: boolean }> {
  readonly #waiting: T[]
  readonly #reading = new Map<T, Promise<ReadFile | null>>()

  /** @param files in the order of their turns */
  constructor(files: readonly T[]) {
    this.#waiting = files.filter(({ isSmall }) => isSmall).toReversed()
  }

  /** @returns null for a file that is not small, or not any more */
  async take(file: T): Promise<ReadFile | null> {
    while (this.#reading.size < together) {
      const next = this.#waiting.pop()
      if (next === undefined) break
      const reading = read(next.at)
      // Its failure is thrown when its turn comes.
      reading.catch(() => undefined)
      this.#reading.set(next, reading)
    }
    const reading = this.#reading.get(file)
    this.#reading.delete(file)
    return (await reading) ?? null
  }

  /** Waits until no file is open any more. */
  async close(): Promise<void> {
    this.#waiting.length = 0
    await Promise.allSettled(this.#reading.values())
  }
}

/** Null for what is not a regular file, or is not small any more: the caller looks at it again. @throws Shrunk */
async function read(at: string): Promise<ReadFile | null> {
  await using file = await open(at, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  const before = await file.stat()
  if (!before.isFile() || before.size > smallBytes) return null
  const content = Buffer.allocUnsafe(before.size)
  for (let done = 0; done < content.length;) {
    const { bytesRead } = await file.read(content, done, content.length - done, done)
    if (bytesRead === 0) throw new Shrunk()
    done += bytesRead
  }
  return { before, content, after: await file.stat() }
}
