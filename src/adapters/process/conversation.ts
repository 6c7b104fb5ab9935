import { PassThrough, Writable, type Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import type { Scope } from '../../drivers/scope.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Ended } from './call.ts'

/** A program that reads requests from its input and answers each with messages, until its input ends. */
export type Answering = {
  /** Runs the program with these streams until it exits. */
  run(streams: { readonly stdin: Readable; readonly stdout: Writable }, scope: Scope): Promise<Ended>
  /** The last character of each message. */
  readonly delimiter: '\n' | '\0'
  /** The longest message, in characters. */
  readonly longestMessage: number
}

/** One program, kept for several requests of one attempt. */
export interface Conversation {
  /** It takes a request now: no other one is being answered, and the program has not been asked to end. */
  readonly free: boolean
  /**
   * Sends a request; `take` returns true for the last message of the answer. When scope.signal, or the given one,
   * aborts meanwhile, the program is ended before this rejects.
   * @returns null, or how the program ended before the last message
   */
  ask(request: string, take: (message: string) => boolean, signal?: AbortSignal): Promise<Ended | null>
  /** Ends its input. */
  end(): void
  /** Settles once the program has exited. Never rejects. */
  readonly ended: Promise<void>
}

/** How long a program waits for the next request: steps ask in bursts. */
const idleMilliseconds = 300

/** The program starts at once; it ends after an idle time unless it stays open, and at the latest with the attempt. */
export function converse(
  program: Answering,
  scope: Scope,
  clock: Clock,
  { staysOpen = false }: { readonly staysOpen?: boolean } = {},
): Conversation {
  scope.signal.throwIfAborted()
  const requests = new PassThrough()
  const ending = new AbortController()
  let take: ((message: string) => boolean) | null = null
  let answered: (() => void) | null = null
  let over = false
  let idle: AbortController | null = null

  const end = (): void => {
    over = true
    requests.end()
  }
  // A program without a request is not killed: it ends by itself, and leaves nothing behind.
  const onAbort = (): void => (take === null && !over ? end() : ending.abort(scope.signal.reason))
  scope.signal.addEventListener('abort', onAbort, { once: true })
  const leaveSoon = (): void => {
    if (staysOpen) return
    const waiting = (idle = new AbortController())
    clock.sleep(idleMilliseconds, waiting.signal).then(end, () => undefined)
  }

  const stdout = messages(program, (message) => {
    if (take === null) throw new Error('the program sent a message without a request')
    if (!take(message)) return
    take = null
    leaveSoon()
    answered?.()
  })
  const ended = program.run({ stdin: requests, stdout }, { ...scope, signal: ending.signal }).finally(() => {
    over = true
    idle?.abort()
    scope.signal.removeEventListener('abort', onAbort)
  })
  const settled = ended.then(
    () => undefined,
    () => undefined,
  )

  return {
    get free() {
      return !over && take === null
    },
    async ask(request, takeMessage, signal) {
      scope.signal.throwIfAborted()
      signal?.throwIfAborted()
      if (over || take !== null) throw new Error('the program takes no request now')
      idle?.abort()
      take = takeMessage
      const answer = new Promise<null>((resolve) => (answered = () => resolve(null)))
      const onAbortOfAsking = (): void => ending.abort(signal?.reason)
      signal?.addEventListener('abort', onAbortOfAsking, { once: true })
      requests.write(request)
      try {
        return await Promise.race([answer, ended])
      } finally {
        signal?.removeEventListener('abort', onAbortOfAsking)
      }
    },
    end,
    ended: settled,
  }
}

/** Splits output at the delimiter; an error of `take` ends the program. */
function messages({ delimiter, longestMessage }: Answering, take: (message: string) => void): Writable {
  const decoder = new StringDecoder('utf8')
  let parts: string[] = []
  let length = 0
  return new Writable({
    write(chunk: Buffer, _, done) {
      const [first = '', ...others] = decoder.write(chunk).split(delimiter)
      try {
        parts.push(first)
        length += first.length
        for (const other of others) {
          take(parts.join(''))
          parts = [other]
          length = other.length
        }
        done(length > longestMessage ? new Error('a message of the program is too long') : null)
      } catch (thrown) {
        done(thrown instanceof Error ? thrown : new Error(String(thrown)))
      }
    },
  })
}
