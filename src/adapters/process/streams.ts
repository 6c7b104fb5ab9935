import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Scope } from '../../drivers/scope.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import type { Call } from './call.ts'

const tailBytes = 4_096

/** Ends the program with this reason. */
type End = (thrown: unknown) => void

/** Checks for `pipe`, since a file stream has an `fd` as well. */
export function isStream<T>(value: T): value is Extract<T, Readable | Writable> {
  return typeof value === 'object' && value !== null && 'pipe' in value
}

/**
 * Owns the caller's streams for the duration of a call. A file stream may fail to open while the program is
 * still being resolved: without a listener that error would end this process.
 */
export async function withStreams<T>(streams: readonly unknown[], work: () => Promise<T>): Promise<T> {
  const owned = streams.filter(isStream) as readonly (Readable | Writable)[]
  for (const stream of owned) stream.on('error', () => undefined)
  try {
    return await work()
  } finally {
    for (const stream of owned) stream.destroy()
  }
}

/** Closes the input only when all of it was read: a source that fails must not look complete. */
export function feedStdin(stdin: Writable | null, source: Call['stdin'], end: End): void {
  if (stdin === null || source === undefined || source === 'none') return
  // A program may exit without reading all its input; its exit code says whether that was correct.
  stdin.on('error', () => undefined)
  if (!isStream(source)) {
    stdin.end(source)
    return
  }
  source.on('error', end)
  if (source.errored !== null) end(source.errored)
  source.on('close', () => {
    if (!source.readableEnded && source.errored === null && stdin.writable)
      end(new RunbookError('failed', 'the input stream closed before its end'))
  })
  source.pipe(stdin)
}

/** Logs the standard error and keeps its tail. */
export function keepTail(stderr: Readable | null, scope: Scope, end: End): () => string {
  let tail = Buffer.alloc(0)
  stderr?.on('data', (chunk: Buffer) => {
    orEnd(end, () => scope.output(chunk))
    tail = Buffer.concat([tail, chunk.subarray(-tailBytes)]).subarray(-tailBytes)
  })
  return () => tail.toString()
}

/** Routes the standard output to its target. @returns the collected text, empty for other targets */
export async function routeStdout(
  stdout: Readable | null,
  target: NonNullable<Call['stdout']>,
  scope: Scope,
  end: End,
  program: string,
): Promise<string> {
  if (stdout === null) return ''
  if (isStream(target)) {
    await pipeline(stdout, target, { signal: scope.signal }).catch((thrown: unknown) => {
      end(thrown)
      throw thrown
    })
    return ''
  }
  if (target === 'log') {
    stdout.on('data', (chunk: Buffer) => orEnd(end, () => scope.output(chunk)))
    return ''
  }
  if ('text' in target) {
    const chunks: Buffer[] = []
    let bytes = 0
    stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > target.text)
        end(
          cannot('collect', `the output of ${program}`, `it is larger than ${target.text} bytes`, {
            code: 'failed',
          }),
        )
      else chunks.push(chunk)
    })
    await new Promise((resolve) => stdout.once('close', resolve))
    return Buffer.concat(chunks).toString()
  }
  return ''
}

/** An error thrown by a callback of the engine must end the program, not this process. */
export function orEnd(end: End, work: () => void): void {
  try {
    work()
  } catch (thrown) {
    end(thrown)
  }
}
