import { PassThrough, Writable, type Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import type { Child, Scope } from '../../drivers/scope.ts'
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

/** One program, kept for several requests of one attempt, and of later ones where it is kept for them. */
export interface Conversation {
  /** It takes a request now: no other one is being answered, and the program has not been asked to end. */
  readonly free: boolean
  /**
   * Sends a request; `take` returns true for the last message of the answer. When scope.signal, or the given one,
   * aborts meanwhile, the program is ended before this rejects.
   * @returns null, or how the program ended before the last message
   */
  ask(request: string, take: (message: string) => boolean, signal?: AbortSignal): Promise<Ended | null>
  /**
   * Works for this attempt from now on: its output and children are the attempt's. Only for a program that was kept
   * when the attempt before ended; its tags stay those of the attempt that started it.
   */
  serve(scope: Scope): void
  /** Ends its input. */
  end(): void
  /** Settles once the program has exited. Never rejects. */
  readonly ended: Promise<void>
}

/** How long a program waits for the next request: longer than most steps that do not ask. */
const idleMilliseconds = 5_000

/** How long a program that was kept may take to exit when its input has ended. */
const exitMilliseconds = 2_000

/** Why a program is ended that has no request: nothing that it was asked for goes on at the other end. */
export class NothingAsked extends Error {}

export type Keeping = {
  /** Without an idle time. */
  readonly staysOpen?: boolean
  /** Takes the program if it has no request when its attempt ends. Left out, it ends then. */
  readonly keep?: ((conversation: Conversation) => void) | undefined
}

/** The program starts at once; it ends after an idle time unless it stays open, and with the attempt unless it is kept. */
export function converse(
  program: Answering,
  scope: Scope,
  clock: Clock,
  { staysOpen = false, keep }: Keeping = {},
): Conversation {
  scope.signal.throwIfAborted()
  /** Null while it is kept for the next attempt. */
  let owner: Scope | null = null
  const children: Child[] = []
  const requests = new PassThrough()
  const ending = new AbortController()
  let take: ((message: string) => boolean) | null = null
  let answered: (() => void) | null = null
  let over = false
  let idle: AbortController | null = null

  /** Waits for a request or the exit of the program at most so long. */
  const after = (milliseconds: number, act: () => void): void => {
    idle?.abort()
    const waiting = (idle = new AbortController())
    clock.sleep(milliseconds, waiting.signal).then(act, () => undefined)
  }
  const end = (): void => {
    over = true
    requests.end()
    // No attempt ends that would kill it.
    if (owner === null) after(exitMilliseconds, () => ending.abort(new NothingAsked('it does not exit')))
  }
  // A program without a request is not killed: it ends by itself, and leaves nothing behind.
  const onAbort = (): void => {
    if (take !== null || over) return ending.abort(owner?.signal.reason)
    if (keep === undefined) return end()
    owner = null
    leaveSoon()
    keep(conversation)
  }
  const serve = (next: Scope): void => {
    owner = next
    next.signal.addEventListener('abort', onAbort, { once: true })
    for (const child of children) next.spawned(child)
  }
  serve(scope)
  const leaveSoon = (): void => {
    if (staysOpen) return
    after(idleMilliseconds, end)
  }

  const stdout = messages(program, (message) => {
    if (take === null) throw new Error('the program sent a message without a request')
    if (!take(message)) return
    take = null
    leaveSoon()
    answered?.()
  })
  const relay: Scope = {
    run: scope.run,
    step: scope.step,
    signal: ending.signal,
    output: (chunk) => owner?.output(chunk),
    progress: (progress) => owner?.progress(progress),
    spawned: (child) => {
      children.push(child)
      owner?.spawned(child)
    },
  }
  const ended = program.run({ stdin: requests, stdout }, relay).finally(() => {
    over = true
    idle?.abort()
    owner?.signal.removeEventListener('abort', onAbort)
  })
  const settled = ended.then(
    () => undefined,
    () => undefined,
  )

  const conversation: Conversation = {
    get free() {
      return !over && take === null
    },
    async ask(request, takeMessage, signal) {
      owner?.signal.throwIfAborted()
      signal?.throwIfAborted()
      if (over || take !== null || owner === null) throw new Error('the program takes no request now')
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
    serve(next) {
      next.signal.throwIfAborted()
      if (over || owner !== null) throw new Error('the program serves another attempt, or has ended')
      serve(next)
    },
    end,
    ended: settled,
  }
  return conversation
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
