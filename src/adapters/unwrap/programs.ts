import { Readable, Writable } from 'node:stream'
import { RunbookError } from '../../kernel/errors.ts'
import type { Call, Ended } from '../process/shell.ts'
import { refusedWrapping, type Bytes, type Unwrapping } from './unwrapping.ts'

export const fromXz = (wrapped: Bytes, by: Unwrapping): Bytes =>
  through(wrapped, { argv: ['xz', '--decompress', '--stdout'], from: 'xz-utils' }, by, decompressed('xz'))

export const fromBzip2 = (wrapped: Bytes, by: Unwrapping): Bytes =>
  through(wrapped, { argv: ['bzip2', '--decompress', '--stdout'], from: 'bzip2' }, by, decompressed('bzip2'))

/** xz(1) and bzip2(1): both read several streams in a row, and fail on anything else that follows. */
const decompressed =
  (format: string) =>
  (name: string, { exitCode, stderrTail }: Ended): RunbookError | null => {
    // bzip2 ignores what follows; xz takes it for the beginning of another stream, and does not say which it is.
    if (/garbage/.test(stderrTail)) return refusedWrapping(name, `has extra data after its ${format} stream`)
    if (exitCode === 0) return null
    const why = stderrTail.trim().split('\n')[0] ?? ''
    return refusedWrapping(
      name,
      `is truncated or damaged, or has extra data after its end: its ${format} stream cannot be decompressed (${why})`,
    )
  }

export type Filter = Pick<Call, 'argv' | 'env' | 'secret'> & {
  /** The package of Debian that has the program. */
  readonly from: string
}

/** The output of a program that reads `wrapped`, which ends it when it is no longer wanted. */
export async function* through(
  wrapped: Bytes,
  { from, ...call }: Filter,
  { shell, scope, name }: Unwrapping,
  judge: (name: string, ended: Ended) => RunbookError | null,
): Bytes {
  const own = new AbortController()
  const { into, parts } = handover()
  const signal = AbortSignal.any([scope.signal, own.signal])
  let over = false
  const running = shell
    .run(
      { ...call, stdin: Readable.from(wrapped, { objectMode: false }), stdout: into },
      { ...scope, signal },
    )
    .then(
      (ended) => ({ ended }),
      (thrown: unknown) => ({ thrown }),
    )
    .finally(() => {
      over = true
      into.destroy()
    })
  try {
    yield* parts()
    const result = await running
    if ('thrown' in result) throw withInstall(result.thrown, call.argv[0] ?? '', from)
    const refused = judge(name, result.ended)
    if (refused !== null) throw refused
  } finally {
    if (!over) own.abort(new Error('no longer wanted'))
    await running
    await wrapped.return()
  }
}

function withInstall(thrown: unknown, program: string, from: string): unknown {
  if (!(thrown instanceof RunbookError) || thrown.code !== 'preflight') return thrown
  return new RunbookError('preflight', thrown.message, {
    cause: thrown,
    hint: `install ${program}: apt-get install ${from}`,
  })
}

/** A stream that hands each chunk over before it takes the next one: what was written is not lost when it is destroyed. */
function handover(): { readonly into: Writable; parts(): Bytes } {
  let offered: { readonly part: Uint8Array; readonly taken: () => void } | null = null
  let closed = false
  let wake: () => void = () => undefined
  const into = new Writable({
    write(part: Uint8Array, _encoding, done) {
      offered = { part, taken: () => done() }
      wake()
    },
    destroy(error, done) {
      closed = true
      wake()
      done(error)
    },
  })
  into.on('error', () => undefined)
  async function* parts(): Bytes {
    for (;;) {
      if (offered !== null) {
        const { part, taken }: { readonly part: Uint8Array; readonly taken: () => void } = offered
        offered = null
        yield part
        taken()
      } else if (closed) return
      else await new Promise<void>((resolve) => (wake = resolve))
    }
  }
  return { into, parts }
}
