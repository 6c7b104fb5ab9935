import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { Clock } from '../../kernel/clock.ts'
import type { RunShown, Site } from './site.ts'

/** Each reads the journal of its run every second. */
export const mostFollowers = 16
const every = 1_000
/** Longer silence looks like a lost connection to proxies. */
const silence = 15_000

/** Streams of the runs that are followed now. */
export class Followers {
  readonly #site: Pick<Site, 'state'>
  readonly #clock: Clock
  readonly #stopped: AbortSignal
  #count = 0

  /** @param stopped ends every stream */
  constructor(site: Pick<Site, 'state'>, clock: Clock, stopped: AbortSignal) {
    this.#site = site
    this.#clock = clock
    this.#stopped = stopped
  }

  get full(): boolean {
    return this.#count >= mostFollowers
  }

  /** Sends how the run stands whenever that has changed, and `over` when nothing more will happen. */
  follow(c: Context, run: string): Response {
    this.#count += 1
    return streamSSE(c, async (stream) => {
      const left = new AbortController()
      stream.onAbort(() => left.abort())
      const signal = AbortSignal.any([left.signal, c.req.raw.signal, this.#stopped])
      try {
        for await (const event of changesOf(() => this.#site.state(run), this.#clock, signal))
          if (event === null) await stream.write(': still here\n\n')
          else if (event.over) await stream.writeSSE({ event: 'over', data: '' })
          else await stream.writeSSE({ event: 'state', data: event.html })
      } catch {
        // Whatever it was: the browser connects again, and the page itself says why it cannot be shown.
      } finally {
        this.#count -= 1
      }
    })
  }
}

/**
 * What `look` sees, whenever it has changed; null after a long silence. Ends when nothing more will happen, when
 * the run does not exist any more, and when the signal aborts.
 */
export async function* changesOf(
  look: () => Promise<RunShown | null>,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<RunShown | null> {
  let last: string | null = null
  let since = clock.monotonic()
  while (!signal.aborted) {
    const seen = await look()
    if (seen === null) return
    if (seen.over || seen.html !== last) {
      yield seen
      last = seen.html
      since = clock.monotonic()
    } else if (clock.monotonic() - since >= silence) {
      yield null
      since = clock.monotonic()
    }
    if (seen.over) return
    await clock.sleep(every, signal).catch(() => undefined)
  }
}
