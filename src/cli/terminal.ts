import { systemClock } from '../kernel/clock.ts'
import type { Redactor } from '../kernel/redact.ts'

/** Where a command writes. Results go out, everything for people goes aside; both are masked, and neither can fail a run. */
export interface Terminal {
  readonly redactor: Redactor
  /** Results: to stdout. */
  out(text: string): void
  /** One JSON value a line, to stdout. */
  json(value: unknown): void
  /** Progress, notices and errors: to stderr. */
  err(text: string): void
  /** Stderr as something that draws may have it: all that is written to it is masked too. */
  readonly screen: NodeJS.WriteStream
  /** Everything written so far has left, or will never. */
  drained(): Promise<void>
}

export function processTerminal(redactor: Redactor): Terminal {
  // A closed pipe or a terminal that went away must not end a run half-way; what cannot be shown is in the evidence.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  const write = (stream: NodeJS.WriteStream, text: string): void => {
    try {
      stream.write(redactor.text(text))
    } catch {
      // As above: there is nobody left to tell.
    }
  }
  return {
    redactor,
    out: (text) => write(process.stdout, text),
    json: (value) =>
      write(process.stdout, `${JSON.stringify(redactor.json(JSON.parse(JSON.stringify(value)) as null))}\n`),
    err: (text) => write(process.stderr, text),
    screen: masked(process.stderr, redactor),
    drained: async () => {
      const ends = [process.stdout, process.stderr].map(
        (stream) => new Promise<void>((resolve) => void stream.write('', () => resolve())),
      )
      await Promise.race([Promise.all(ends), systemClock.sleep(2_000)])
    },
  }
}

/** What replaces `write` replaces that of the stream itself, so that others cannot write into a drawing. */
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
