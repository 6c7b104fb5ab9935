import { oneLine } from '../kernel/sanitize.ts'

/** Characters of a line. */
const maxLength = 2_000

/** The last lines that a step printed, sanitized for the screen. Takes chunks of bytes in bounded memory. */
export class Tail {
  readonly #decoder = new TextDecoder()
  readonly #keep: number
  #partial = ''
  #lines: string[] = []

  constructor(keep: number) {
    this.#keep = keep
  }

  /** @returns the lines that were completed by this chunk, the last ones only */
  push(chunk: Uint8Array): readonly string[] {
    // A carriage return ends a line, so that progress bars of other programs count as lines.
    const parts = (this.#partial + this.#decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r/)
    this.#partial = (parts.pop() ?? '').slice(-maxLength)
    return this.add(parts.slice(-this.#keep))
  }

  add(lines: readonly string[]): readonly string[] {
    // Columns of other programs are set with tabs, which a list of steps has no room for.
    const shown = lines
      .map((one) => oneLine(one.slice(0, maxLength).replaceAll('\t', '  ')))
      .filter((one) => one.trim() !== '')
    this.#lines = [...this.#lines, ...shown].slice(-this.#keep)
    return shown
  }

  get lines(): readonly string[] {
    return this.#lines
  }
}
