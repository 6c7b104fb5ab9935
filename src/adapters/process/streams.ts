import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Scope } from '../../drivers/scope.ts'
import { RunbookError } from '../../kernel/errors.ts'
import type { Call } from './call.ts'

const tailBytes = 4_096

/** Ends the program, for this reason. */
type End = (thrown: unknown) => void

/** By what only streams have: a file stream carries an `fd` too. */
export function isStream<T>(value: T): value is Extract<T, Readable | Writable> {
  return typeof value === 'object' && value !== null && 'pipe' in value
}

/**
 * Takes charge of the caller's streams for as long as a call lasts, however it ends. A file stream opens, and fails, while a program is
 * still being looked for: unheard, that error would end this process.
 */
export async function withStreams<T>(streams: readonly unknown[], work: () => Promise<T>): Promise<T> {
  const ours = streams.filter(isStream) as readonly (Readable | Writable)[]
  for (const stream of ours) stream.on('error', () => undefined)
  try {
    return await work()
  } finally {
    for (const stream of ours) stream.destroy()
  }
}

/** Closes the input only when all of it was read: a source that fails must not look like one that is complete. */
export function feed(stdin: Writable | null, source: Call['stdin'], end: End): void {
  if (stdin === null || source === undefined || source === 'none') return
  // A program may end without reading everything; its exit code says whether that was right.
  stdin.on('error', () => undefined)
  if (!isStream(source)) {
    stdin.end(source)
    return
  }
  source.on('error', end)
  if (source.errored !== null) end(source.errored)
  source.on('close', () => {
    if (!source.readableEnded && source.errored === null && stdin.writable)
      end(new RunbookError('failed', 'the input was closed before its end'))
  })
  source.pipe(stdin)
}

/** Logs the standard error, and keeps its end. */
export function keepTail(stderr: Readable | null, scope: Scope, end: End): () => string {
  let tail = Buffer.alloc(0)
  stderr?.on('data', (chunk: Buffer) => {
    guarded(end, () => scope.output(chunk))
    tail = Buffer.concat([tail, chunk.subarray(-tailBytes)]).subarray(-tailBytes)
  })
  return () => tail.toString()
}

/** Takes the standard output where it belongs. @returns what was asked to be collected, when all of it has arrived. */
export async function carry(
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
    stdout.on('data', (chunk: Buffer) => guarded(end, () => scope.output(chunk)))
    return ''
  }
  if ('text' in target) {
    const chunks: Buffer[] = []
    let bytes = 0
    stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > target.text)
        end(new RunbookError('failed', `${program} printed more than the ${target.text} bytes expected`))
      else chunks.push(chunk)
    })
    await new Promise((resolve) => stdout.once('close', resolve))
    return Buffer.concat(chunks).toString()
  }
  return ''
}

/** What a callback of the engine throws must end the program, not the process. */
export function guarded(end: End, work: () => void): void {
  try {
    work()
  } catch (thrown) {
    end(thrown)
  }
}
