import { randomUUID } from 'node:crypto'
import type { Scope } from '../../../drivers/scope.ts'
import { cannot } from '../../../kernel/errors.ts'
import type { Clock } from '../../../kernel/clock.ts'
import { converse, type Conversation } from '../../process/conversation.ts'
import type { KeptPrograms } from '../../process/kept-programs.ts'
import { answeringPsql, longestAnswer, maintenance } from './psql.ts'
import { connectArgument, connectionTo } from './quote.ts'
import type { ScriptEnd, Server } from './server.ts'

/**
 * Runs the scripts of one attempt in one psql: starting the program takes longer than most questions, and in a
 * container many times as long. With `programs` it is kept for the next attempt. It stays in the maintenance
 * database and only visits others, since a database with sessions can be neither renamed nor dropped. The first
 * error ends it, so an error is reported as from a psql of its own.
 *
 * Scripts that are given at the same time run in a psql each; with `oneClient` they wait for one another.
 * A script gets a psql of its own where the role cannot connect to the maintenance database, and where that is
 * `template1`, of which others may be creating databases.
 */
export function keptPsql(
  server: Server,
  scope: Scope,
  clock: Clock,
  programs?: KeptPrograms,
  oneClient = false,
): Server['script'] {
  const home = maintenance(server)
  const key = `psql ${JSON.stringify([scope.run, server.database])}`
  const idle = new Set<Conversation>()
  let usable = home !== 'template1'

  const isReady = async (psql: Conversation): Promise<boolean> =>
    (await psql.ask(`${select(ready)};\n`, (row) => row === ready)) === null

  const start = async (): Promise<Conversation | null> => {
    const program = answeringPsql(server, home)
    const psql = programs?.start(key, program, scope, clock) ?? converse(program, scope, clock)
    usable = await isReady(psql)
    return usable ? psql : null
  }

  /** Of this attempt. Its session may have been ended since. */
  const opened = async (): Promise<Conversation | null> => {
    for (const psql of idle) {
      // At once, so that no other script takes it meanwhile.
      idle.delete(psql)
      if (psql.free && (await isReady(psql).catch(() => false))) return psql
      scope.signal.throwIfAborted()
    }
    return null
  }

  /** Of an earlier attempt. Its server or its container may have stopped since. */
  const kept = async (): Promise<Conversation | null> => {
    for (;;) {
      const psql = programs?.take(key, scope)
      if (psql === undefined) return null
      const answers = await isReady(psql).catch(() => false)
      scope.signal.throwIfAborted()
      if (answers) return psql
    }
  }

  const run: Server['script'] = async ({ database, sql }, as) => {
    const psql = usable && as === scope ? ((await opened()) ?? (await kept()) ?? (await start())) : null
    if (psql === null) return server.script({ database, sql }, as)
    try {
      return await ask(psql, visit(home, database, `${sql}\n`))
    } finally {
      if (psql.free) idle.add(psql)
    }
  }
  if (!oneClient) return run
  let last: Promise<unknown> = Promise.resolve()
  return (script, as) => {
    const answer = last.then(() => run(script, as))
    last = answer.catch(() => undefined)
    return answer
  }
}

/** Runs a script in a psql that is connected, up to its first error, which ends the psql. */
export async function ask(psql: Conversation, sql: string): Promise<ScriptEnd> {
  const last = JSON.stringify(randomUUID())
  const rows: string[] = []
  let length = 0
  const ended = await psql.ask(`${sql}${select(last)};\n`, (row) => {
    if (row === last) return true
    length += row.length
    if (length > longestAnswer)
      throw cannot('collect', 'the output of psql', `it is larger than ${longestAnswer} bytes`, {
        code: 'failed',
      })
    if (row !== '') rows.push(row)
    return false
  })
  if (ended === null) return { exitCode: 0, stderrTail: '', rows }
  if (ended.exitCode !== 0) return { ...ended, rows }
  throw cannot('read', 'the answer of psql', 'it ended before its answer', { code: 'failed' })
}

/** A new connection has no settings of the script; at home they are reset. */
const visit = (home: string, database: string, sql: string): string =>
  database === home ? `${sql}DISCARD ALL;\n` : `${connect(database)}${sql}${connect(home)}`

const connect = (database: string): string => `\\connect ${connectArgument(connectionTo(database))}\n`

const ready = '"ready"'
const select = (json: string): string => `SELECT '${json}'`
