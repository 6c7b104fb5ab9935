import { shellWord } from '../../kernel/shell-quote.ts'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openRegular } from './contents.ts'
import { reason, systemCode } from './errors.ts'
import { cannot } from '../../kernel/errors.ts'

/** What a log has got since it was read last. */
export type Grown = {
  /** Name of the log, without a folder. */
  readonly log: string
  readonly bytes: Uint8Array
  /** Bytes before them that were passed over, since there were too many. */
  readonly leftOut: number
}

/** At most this much of a log is read at once, so that a step with much output costs little memory. */
const mostBytes = 64 << 10

/**
 * Follows the logs of a run in its evidence folder while they are written. Output past the first 32 MiB of a step
 * shows when the step ends, since until then it is in files of its own.
 */
export class LogFollower {
  readonly #folder: string
  readonly #read = new Map<string, number>()
  #begun = false

  constructor(folder: string) {
    this.#folder = join(folder, 'logs')
  }

  /**
   * @param tailBytes how much of a log is taken that is already there at the first call
   * @throws RunbookError `usage` for logs that cannot be read
   */
  async grown(tailBytes: (log: string) => number): Promise<readonly Grown[]> {
    const found: Grown[] = []
    for (const log of await this.#logs()) {
      const grown = await this.#grownOf(log, this.#begun ? mostBytes : Math.min(mostBytes, tailBytes(log)))
      if (grown !== null) found.push(grown)
    }
    this.#begun = true
    return found
  }

  async #logs(): Promise<readonly string[]> {
    try {
      return (await readdir(this.#folder)).filter((name) => name.endsWith('.log')).sort()
    } catch (thrown) {
      if (systemCode(thrown) === 'ENOENT') return []
      throw this.#unreadable(this.#folder, thrown)
    }
  }

  async #grownOf(log: string, most: number): Promise<Grown | null> {
    try {
      await using handle = await openRegular(join(this.#folder, log))
      const before = this.#read.get(log) ?? 0
      const { size } = await handle.stat()
      this.#read.set(log, size)
      const from = Math.max(before, size - most)
      if (size <= before || from >= size) return null
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from)
      return { log, bytes: buffer.subarray(0, bytesRead), leftOut: this.#begun ? from - before : 0 }
    } catch (thrown) {
      if (systemCode(thrown) === 'ENOENT') return null
      throw this.#unreadable(join(this.#folder, log), thrown)
    }
  }

  #unreadable(path: string, cause: unknown): Error {
    return cannot('read', path, reason(cause), {
      code: 'usage',
      hint: `check: ls -l ${shellWord(path)}`,
      cause,
    })
  }
}
