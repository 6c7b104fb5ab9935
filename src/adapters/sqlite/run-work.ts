import { getCompileCacheDir } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Scope } from '../../drivers/scope.ts'
import { systemClock } from '../../kernel/clock.ts'
import { errorOf, RunbookError } from '../../kernel/errors.ts'
import { ownExtension, ownRoot } from '../../kernel/own-code.ts'
import type { Json } from '../../kernel/json.ts'
import { converse, type Answering, type Conversation } from '../process/conversation.ts'
import type { KeptPrograms } from '../process/kept-programs.ts'
import { shell } from '../process/shell.ts'
import type { WorkMessage, Work } from './work.ts'

const program = fileURLToPath(new URL(`src/adapters/sqlite/work.${ownExtension}`, ownRoot))

const worker: Answering = {
  delimiter: '\n',
  longestMessage: 8 << 20,
  run(streams, scope) {
    const cache = getCompileCacheDir()
    return shell.run(
      {
        argv: [process.execPath, program],
        // Shares our compile cache: starting the process takes most of the time of a small task.
        env: { SQLITE_USE_URI: '1', ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: cache }) },
        ...streams,
        graceMilliseconds: 2_000,
      },
      scope,
    )
  },
}

/** The processes of an attempt: a small task takes less time than starting one. */
const workers = new WeakMap<Scope, Set<Conversation>>()

const keepers = new WeakMap<Scope, KeptPrograms>()

/** The processes of this attempt come from earlier attempts, and are kept for later ones. */
export const keepWorkers = (scope: Scope, programs: KeptPrograms): unknown => keepers.set(scope, programs)

/** A free process of this attempt, or one of an earlier attempt, or a new one. */
function workerOf(scope: Scope, open: ReadonlySet<Conversation>): Conversation {
  const programs = keepers.get(scope)
  const key = `sqlite ${scope.run}`
  return (
    [...open].find(({ free }) => free) ??
    programs?.take(key, scope) ??
    programs?.start(key, worker, scope, systemClock) ??
    converse(worker, scope, systemClock)
  )
}

type Options = {
  /** Receives the progress of a copy. */
  readonly onBytes?: (done: number, total: number) => void
  /** Ends the work; default scope.signal. */
  readonly signal?: AbortSignal
}

/**
 * Runs work in a child process; when the signal aborts, the process is ended before this rejects.
 * @throws RunbookError the error of the work
 */
export async function runWork<Answer extends Json>(
  work: Work,
  scope: Scope,
  { onBytes = () => undefined, signal = scope.signal }: Options = {},
): Promise<Answer> {
  let result: Exclude<WorkMessage, { readonly bytes: unknown }> | null = null
  const take = (line: string): boolean => {
    const message = JSON.parse(line) as WorkMessage
    if ('bytes' in message) onBytes(message.bytes.done, message.bytes.total)
    else result = message
    return result !== null
  }
  const open = workers.get(scope) ?? new Set()
  workers.set(scope, open)
  const process = workerOf(scope, open)
  open.add(process)
  const ended = await process.ask(`${JSON.stringify(work)}\n`, take, signal).finally(() => {
    if (!process.free) open.delete(process)
  })
  if (ended !== null) {
    throw new RunbookError(
      'failed',
      `SQLite process for "${work.do}" exited with code ${ended.exitCode} without a result: ${ended.stderrTail.trim().slice(-500)}`,
      {
        hint: 'check whether it was killed for lack of memory (dmesg), or the disk is full (df -h)',
      },
    )
  }
  return answerOf(result) as Answer
}

function answerOf(result: Exclude<WorkMessage, { readonly bytes: unknown }> | null): Json {
  if (result === null) throw new Error('an answer without a result')
  if ('failure' in result) throw errorOf(result.failure)
  return result.answer
}
