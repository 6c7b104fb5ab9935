import { inspect } from 'node:util'
import { RunbookError } from './errors.ts'

/** Shorter values would be masked in every other word, so they protect nothing. */
export const shortestSecret = 8

/**
 * A value that prints as its name. It is no Json, so it cannot enter a plan, a step's input or the journal;
 * `reveal()` is the one way to the text, and its callers are few enough to read.
 */
export class Secret {
  readonly name: string
  readonly #text: string

  /** @throws RunbookError `usage` for a value of fewer than eight bytes. */
  constructor(name: string, text: string) {
    if (Buffer.byteLength(text) < shortestSecret) {
      throw new RunbookError(
        'usage',
        `the secret ${name} has fewer than ${shortestSecret} bytes, too few to be masked in output`,
        {
          hint: `give ${name} a longer value`,
        },
      )
    }
    this.name = name
    this.#text = text
  }

  reveal(): string {
    return this.#text
  }

  toString(): string {
    return `[redacted:${this.name}]`
  }

  toJSON(): string {
    return this.toString()
  }

  [inspect.custom](): string {
    return this.toString()
  }
}
