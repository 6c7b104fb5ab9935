import { createHash, timingSafeEqual } from 'node:crypto'
import type { Randomness } from '../../kernel/randomness.ts'

/** More browsers than people look at it; the oldest one has to open a new link. */
const mostSessions = 32

/**
 * Who may look: a link that works once, and the browsers that have opened one. Nothing is stored, so a restart
 * ends every session.
 */
export class Keys {
  readonly #randomness: Randomness
  #link: string
  #sessions: readonly string[] = []

  constructor(randomness: Randomness) {
    this.#randomness = randomness
    this.#link = this.#secret()
  }

  /** The token of the next link. */
  get link(): string {
    return this.#link
  }

  /** @returns the session of the browser that opened the link; null for a wrong or used token */
  open(token: string): string | null {
    if (!isSame(token, this.#link)) return null
    this.#link = this.#secret()
    const session = this.#secret()
    this.#sessions = [...this.#sessions, session].slice(-mostSessions)
    return session
  }

  admits(session: string): boolean {
    // Each is compared, so that the time does not tell which one is close.
    return this.#sessions.map((one) => isSame(session, one)).includes(true)
  }

  #secret(): string {
    return Buffer.from(this.#randomness.bytes(32)).toString('base64url')
  }
}

/** In constant time, whatever the lengths: digests are compared. */
export function isSame(given: string, secret: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(secret))
}
