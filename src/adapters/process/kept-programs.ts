import type { Scope } from '../../drivers/scope.ts'
import type { Clock } from '../../kernel/clock.ts'
import { converse, type Answering, type Conversation } from './conversation.ts'

/**
 * Programs without a request, kept from one attempt to the next: starting one takes longer than most requests. Each
 * ends after an idle time, and with this process.
 */
export class KeptPrograms {
  readonly #kept = new Map<string, Set<Conversation>>()

  /**
   * A program that was kept under the key, or undefined. It may have lost what it was connected to, and not have ended
   * yet.
   */
  take(key: string, scope: Scope): Conversation | undefined {
    const kept = this.#kept.get(key)
    for (const conversation of kept ?? []) {
      kept?.delete(conversation)
      if (!conversation.free) continue
      conversation.serve(scope)
      return conversation
    }
    return undefined
  }

  /** Starts a program that is kept under the key when its attempt ends. */
  start(key: string, program: Answering, scope: Scope, clock: Clock): Conversation {
    return converse(program, scope, clock, {
      keep: (conversation) => {
        const kept = this.#kept.get(key) ?? new Set()
        kept.add(conversation)
        this.#kept.set(key, kept)
      },
    })
  }

  /** Ends those that are kept now; returns once they have exited. */
  async end(): Promise<void> {
    const all = [...this.#kept.values()].flatMap((kept) => [...kept])
    this.#kept.clear()
    for (const conversation of all) conversation.end()
    await Promise.all(all.map(({ ended }) => ended))
  }
}
