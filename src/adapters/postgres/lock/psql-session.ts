import type { Scope } from '../../../drivers/scope.ts'
import type { Clock } from '../../../kernel/clock.ts'
import { RunbookError } from '../../../kernel/errors.ts'
import type { Json } from '../../../kernel/json.ts'
import { converse } from '../../process/conversation.ts'
import { answeringPsql, clientError, isDown } from '../server/psql.ts'
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
  const psql = converse(answeringPsql(server, database), scope, clock, { staysOpen: true })
  let over: RunbookError | null = null
  /** Signs of life and checks take turns. */
  let turn: Promise<unknown> = Promise.resolve()

  const answerTo = async (sql: string): Promise<Json> => {
    if (over !== null) throw over
    const [late, answered] = [new AbortController(), new AbortController()]
    clock.sleep(patience, answered.signal).then(
      () => late.abort(lost(server, `no answer within ${patience / 1000} s`)),
      () => undefined,
    )
    let answer: Json = null
    const take = (row: string): boolean => {
      answer = JSON.parse(row) as Json
      return true
    }
    try {
      const ended = await psql.ask(`${sql}\n`, take, late.signal)
      if (ended === null) return answer
      const error = clientError(ended)
      throw lost(server, error.message, isDown(error))
    } catch (thrown) {
      over = thrown instanceof RunbookError ? thrown : lost(server, String(thrown))
      throw over
    } finally {
      answered.abort()
    }
  }

  return {
    ask(sql) {
      const answer = turn.then(() => answerTo(sql))
      turn = answer.catch(() => undefined)
      return answer
    },
    async close() {
      over ??= lost(server, 'it was closed')
      psql.end()
      const exited = new AbortController()
      clock.sleep(farewell, exited.signal).then(
        () => kill.abort(new Error('psql does not exit')),
        () => undefined,
      )
      await psql.ended
      exited.abort()
    },
  }
}

const lost = (server: Server, why: string, down = false): RunbookError =>
  new RunbookError('preflight', `no session at ${server.host}: ${why}`, {
    hint: `check that PostgreSQL is running at ${server.host}`,
    ...(down ? { down: server.host } : {}),
  })
