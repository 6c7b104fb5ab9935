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
    json: (value) => write(process.stdout, `${JSON.stringify(redactor.json(JSON.parse(JSON.stringify(value)) as null))}\n`),
    err: (text) => write(process.stderr, text),
  }
}
