import { getCompileCacheDir } from 'node:module'
import { Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { fileURLToPath } from 'node:url'
import type { Scope } from '../../drivers/scope.ts'
import { errorOf, RunbookError, type Failure } from '../../kernel/errors.ts'
import type { Json } from '../../kernel/json.ts'
import { shell } from '../process/shell.ts'
import type { WorkMessage, Work } from './work.ts'

/** The same extension as this file: TypeScript in a checkout, JavaScript in a package. */
const program = fileURLToPath(import.meta.url).replace(/run-work(\.[jt]s)$/, 'work$1')
const largestMessage = 8 << 20

/**
 * Runs work in a child process; when scope.signal aborts, the process is ended before this rejects.
 * @throws RunbookError the error of the work
 */
export async function runWork<Answer extends Json>(
  work: Work,
  scope: Scope,
  onBytes: (done: number, total: number) => void = () => undefined,
): Promise<Answer> {
  let last: { readonly answer: Json } | { readonly failure: Failure } | null = null
  const cache = getCompileCacheDir()
  const { exitCode, stderrTail } = await shell.run(
    {
      argv: [process.execPath, program],
      // Shares our compile cache: starting the process takes most of the time of a small task.
      env: { SQLITE_USE_URI: '1', ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }) },
      stdin: JSON.stringify(work),
      stdout: lines((line) => {
        const message = JSON.parse(line) as WorkMessage
        if ('bytes' in message) onBytes(message.bytes.done, message.bytes.total)
        else last = message
      }),
      graceMilliseconds: 2_000,
    },
    scope,
  )
  const result = last as { readonly answer: Json } | { readonly failure: Failure } | null
  if (result === null) {
    throw new RunbookError(
      'failed',
      `SQLite process for "${work.do}" exited with code ${exitCode} without a result: ${stderrTail.trim().slice(-500)}`,
      {
        hint: 'check whether it was killed for lack of memory (dmesg), or the disk is full (df -h)',
      },
    )
  }
  if ('failure' in result) throw errorOf(result.failure)
  return result.answer as Answer
}

function lines(take: (line: string) => void): Writable {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  return new Writable({
    write(chunk: Buffer, _, done) {
      const parts = (rest + decoder.write(chunk)).split('\n')
      rest = parts.pop() ?? ''
      try {
        for (const line of parts) take(line)
        done(rest.length > largestMessage ? new Error('a line of the SQLite process is too long') : null)
      } catch (thrown) {
        done(thrown instanceof Error ? thrown : new Error(String(thrown)))
      }
    },
  })
}
