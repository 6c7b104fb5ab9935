import type { Clock } from '../../kernel/clock.ts'

export type Seen<T> = { readonly value: T; readonly at: Date }

/** Looks at most once at a time, and remembers what it saw for a while, however often it is asked. */
export class Kept<T> {
  readonly #look: () => Promise<T>
  readonly #clock: Clock
  readonly #milliseconds: number
  #seen: Seen<T> | null = null
  #since = 0
  #looking: Promise<void> | null = null

  constructor(look: () => Promise<T>, clock: Clock, milliseconds: number) {
    this.#look = look
    this.#clock = clock
    this.#milliseconds = milliseconds
  }

  /**
   * What was seen last; looks again where that is old.
   * @param patience milliseconds to wait for a look; after that the old one is returned, null without any
   * @throws what the look throws, where nothing was seen before
   */
  async latest(patience: number): Promise<Seen<T> | null> {
    const isFresh = this.#seen !== null && this.#clock.monotonic() - this.#since < this.#milliseconds
    if (isFresh) return this.#seen
    this.#looking ??= this.#again().finally(() => {
      this.#looking = null
    })
    const waiting = new AbortController()
    try {
      await Promise.race([this.#looking, this.#clock.sleep(patience, waiting.signal)])
    } catch (thrown) {
      if (this.#seen === null) throw thrown
    } finally {
      waiting.abort()
    }
    return this.#seen
  }

  async #again(): Promise<void> {
    const value = await this.#look()
    this.#seen = { value, at: this.#clock.now() }
    this.#since = this.#clock.monotonic()
  }
}
