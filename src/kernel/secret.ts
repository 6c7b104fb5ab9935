import { RunbookError } from './errors.ts'

/** `util.inspect.custom` of Node, by its documented name: teams need no types of Node to read ours. */
const inspectCustom: unique symbol = Symbol.for('nodejs.util.inspect.custom')

/** Shorter values would match common words in output. Bytes. */
export const shortestSecret = 8

/**
 * A value that prints as its name. It is not Json, so it cannot enter a plan, a step's input or the journal;
 * only `reveal()` returns the text.
 */
export class Secret {
  readonly name: string
  readonly #text: string

  /** @throws RunbookError `usage` for a value of fewer than eight bytes */
  constructor(name: string, text: string) {
    if (Buffer.byteLength(text) < shortestSecret) {
      throw new RunbookError(
        'usage',
        `secret ${name} is too short to be masked in output: fewer than ${shortestSecret} bytes`,
        {
          hint: `set ${name} to a longer value`,
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

  [inspectCustom](): string {
    return this.toString()
  }
}
