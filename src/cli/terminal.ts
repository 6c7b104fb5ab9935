import { systemClock } from '../kernel/clock.ts'
import type { Redactor } from '../kernel/redact.ts'
import { fitted, type Width } from '../views/fit.ts'

/**
 * Output of a command: results to stdout, everything else to stderr. Both are masked, and neither can fail a
 * run.
 */
export interface Terminal {
  readonly redactor: Redactor
  /** Writes a result to stdout as it is, also at a terminal: what programs read, Markdown, source text, output of steps. */
  out(text: string): void
  /** Writes a result for people to stdout. Lines that are too long for the screen are broken between words. */
  show(text: string): void
  /** Writes one JSON value per line to stdout. */
  json(value: unknown): void
  /** Writes progress, notices and errors to stderr, broken as in `show`. */
  err(text: string): void
  /** Columns of stdout; null where it is not a terminal, so that lines of a file are never broken. */
  width(): Width
  /** Stderr for a renderer; what it writes is masked too. */
  readonly screen: NodeJS.WriteStream
  /** Resolves when everything written so far is flushed, at the latest after 2 s. */
  drained(): Promise<void>
}

export function processTerminal(redactor: Redactor): Terminal {
  // A closed pipe or a lost terminal must not end a run half-way; the evidence keeps what cannot be shown.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  const write = (stream: NodeJS.WriteStream, text: string, width: Width = null): void => {
    try {
      // Masked first: a secret that is broken would not be found.
      stream.write(fitted(redactor.text(text), width))
    } catch {
      // As above.
    }
  }
  return {
    redactor,
    out: (text) => write(process.stdout, text),
    json: (value) =>
      write(process.stdout, `${JSON.stringify(redactor.json(JSON.parse(JSON.stringify(value)) as null))}\n`),
    show: (text) => write(process.stdout, text, widthOf(process.stdout)),
    err: (text) => write(process.stderr, text, widthOf(process.stderr)),
    width: () => widthOf(process.stdout),
    screen: masked(process.stderr, redactor),
    drained: async () => {
      const ends = [process.stdout, process.stderr].map(
        (stream) => new Promise<void>((resolve) => void stream.write('', () => resolve())),
      )
      await Promise.race([Promise.all(ends), systemClock.sleep(2_000)])
    },
  }
}

const widthOf = (stream: NodeJS.WriteStream): Width => (stream.isTTY ? stream.columns || null : null)

/**
 * Replacing `write` of the proxy replaces that of the stream itself, so that nothing else writes into a
 * drawing.
 */
function masked(stream: NodeJS.WriteStream, redactor: Redactor): NodeJS.WriteStream {
  const original = stream.write.bind(stream)
  const write = (text: string | Uint8Array, ...rest: never[]): boolean =>
    original(redactor.text(typeof text === 'string' ? text : Buffer.from(text).toString('utf8')), ...rest)
  return new Proxy(stream, {
    get: (target, key) => {
      if (key === 'write') return write
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
