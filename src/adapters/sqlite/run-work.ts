import { getCompileCacheDir } from 'node:module'
import { Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { fileURLToPath } from 'node:url'
import type { Scope } from '../../drivers/scope.ts'
import { errorOf, RunbookError, type Failure } from '../../kernel/errors.ts'
import type { Json } from '../../kernel/json.ts'
import { shell } from '../process/shell.ts'
import type { WorkMessage, Work } from './work.ts'

/** As this very file is: TypeScript in a checkout, JavaScript in a package. */
const program = fileURLToPath(import.meta.url).replace(/run-work(\.[jt]s)$/, 'work$1')
const largestWord = 8 << 20

/**
 * Does a piece of work in a process of its own; when scope.signal aborts, that process is ended before this rejects.
 * @throws RunbookError what the work threw.
 */
export async function runWork<Answer extends Json>(
  work: Work,
  scope: Scope,
  onBytes: (done: number, total: number) => void = () => undefined,
): Promise<Answer> {
  let said: { readonly answer: Json } | { readonly failure: Failure } | null = null
  const cache = getCompileCacheDir()
  const { exitCode, stderrTail } = await shell.run(
    {
      argv: [process.execPath, program],
      // Where we keep compiled code, so does it: most of the time of a small piece of work is the start of its process.
      env: { SQLITE_USE_URI: '1', ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }) },
      stdin: JSON.stringify(work),
      stdout: lines((line) => {
        const words = JSON.parse(line) as WorkMessage
        if ('bytes' in words) onBytes(words.bytes.done, words.bytes.total)
        else said = words
      }),
      graceMilliseconds: 2_000,
    },
    scope,
  )
  const last = said as { readonly answer: Json } | { readonly failure: Failure } | null
  if (last === null) {
    throw new RunbookError(
      'failed',
      `the SQLite process for "${work.do}" ended with exit code ${exitCode} and said nothing: ${stderrTail.trim().slice(-500)}`,
      {
        hint: 'look whether it was killed for want of memory (`dmesg`), and whether the disk is full (`df -h`)',
      },
    )
  }
  if ('failure' in last) throw errorOf(last.failure)
  return last.answer as Answer
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
        done(rest.length > largestWord ? new Error('a line of the SQLite process is too long') : null)
      } catch (thrown) {
        done(thrown instanceof Error ? thrown : new Error(String(thrown)))
      }
    },
  })
}
