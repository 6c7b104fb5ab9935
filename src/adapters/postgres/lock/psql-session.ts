import { PassThrough, Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import type { Scope } from '../../../drivers/scope.ts'
import type { Clock } from '../../../kernel/clock.ts'
import { RunbookError } from '../../../kernel/errors.ts'
import type { Json } from '../../../kernel/json.ts'
import { clientError } from '../server/psql.ts'
import type { Server } from '../server/server.ts'

/** One psql that stays connected; its session ends with its input, and so with this process. */
export interface PsqlSession {
  /**
   * Runs a statement that selects one row with one JSON text.
   * @throws RunbookError `preflight` with the server's message if the session has ended or does not answer
   */
  ask(sql: string): Promise<Json>
  /** Returns once the client has exited. Never throws. */
  close(): Promise<void>
}

/** Milliseconds for an answer: those of a connection that is being made. */
const patience = 12_000

/** Milliseconds for the client to exit once its input has ended. */
const farewell = 3_000

const psqlArguments = [
  '--no-psqlrc',
  '--quiet',
  '--no-align',
  '--tuples-only',
  '--no-password',
  '--set=ON_ERROR_STOP=1',
  '--set=VERBOSITY=verbose',
]

/** @param run tags the client, so that it is not taken for a leftover of the run itself */
export function psqlSession(server: Server, database: string, run: string, clock: Clock): PsqlSession {
  const kill = new AbortController()
  const scope: Scope = {
    run,
    step: 'lock',
    signal: kill.signal,
    output: () => undefined,
    progress: () => undefined,
    spawned: () => undefined,
  }
  const stdin = new PassThrough()
  const waiting: PromiseWithResolvers<Json>[] = []
  let over: RunbookError | null = null
  const end = (why: RunbookError): void => {
    over ??= why
    for (const { reject } of waiting.splice(0)) reject(over)
  }
  const ended = server
    .run(
      {
        program: 'psql',
        args: psqlArguments,
        database,
        stdin,
        stdout: lines((line) => waiting.shift()?.resolve(JSON.parse(line) as Json)),
      },
      scope,
    )
    .then(
      (result) => end(lost(server, clientError(result).message)),
      (thrown: unknown) => end(thrown instanceof RunbookError ? thrown : lost(server, String(thrown))),
    )
  const session: PsqlSession = {
    async ask(sql) {
      if (over !== null) throw over
      const answer = Promise.withResolvers<Json>()
      waiting.push(answer)
      stdin.write(`${sql}\n`)
      const answered = new AbortController()
      try {
        return await Promise.race([
          answer.promise,
          clock.sleep(patience, answered.signal).then(() => {
            throw lost(server, `no answer within ${patience / 1000} s`)
          }),
        ])
      } catch (thrown) {
        // Answers come in order, so one that is late would be taken for the next.
        end(thrown as RunbookError)
        kill.abort(thrown)
        throw thrown
      } finally {
        answered.abort()
      }
    },
    async close() {
      end(lost(server, 'it was closed'))
      stdin.end()
      const exited = new AbortController()
      await Promise.race([
        ended.then(() => exited.abort()),
        clock.sleep(farewell, exited.signal).then(
          () => kill.abort(new Error('psql does not exit')),
          () => undefined,
        ),
      ])
      await ended
    },
  }
  return session
}

const lost = (server: Server, why: string): RunbookError =>
  new RunbookError('preflight', `no session at ${server.host}: ${why}`, {
    hint: `check that PostgreSQL is running at ${server.host}`,
  })

function lines(take: (line: string) => void): Writable {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  return new Writable({
    write(chunk: Buffer, _, done) {
      const parts = (rest + decoder.write(chunk)).split('\n')
      rest = parts.pop() ?? ''
      try {
        for (const line of parts) if (line !== '') take(line)
        done()
      } catch (thrown) {
        done(thrown instanceof Error ? thrown : new Error(String(thrown)))
      }
    },
  })
}
