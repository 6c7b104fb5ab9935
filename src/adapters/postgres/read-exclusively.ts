import type { ReadExclusively } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import { converse } from '../process/conversation.ts'
import { mustNotBeLive } from './drop.ts'
import { listing, openDatabase } from './listing.ts'
import { drainSessions, sessionsRemain, type SessionPolicy } from './server/drain-sessions.ts'
import { ask } from './server/kept-psql.ts'
import { answeringPsql, maintenance, records } from './server/psql.ts'
import type { Server } from './server/server.ts'
import { closingScript, sessions } from './server/sessions.ts'

/**
 * Reads a copy through a session that connected before the copy was closed: a closed database refuses new sessions, those of
 * superusers too, and keeps those that it has.
 * @param read gets the server with this session for the scripts of the copy
 */
export async function readExclusively<T>(
  server: Server,
  name: string,
  policy: SessionPolicy,
  scope: Scope,
  read: (inside: Server) => Promise<T>,
): Promise<ReadExclusively<T>> {
  mustNotBeLive(server, name)
  // An earlier attempt may have closed it.
  await openDatabase(server, name, scope)
  const psql = converse(answeringPsql(server, name), scope, policy.clock, { staysOpen: true })
  let turn: Promise<unknown> = Promise.resolve()
  const script: Server['script'] = (given, as) => {
    if (given.database !== name) return server.script(given, as)
    const answer = turn.then(() => ask(psql, `${given.sql}\nDISCARD ALL;\n`))
    turn = answer.catch(() => undefined)
    return answer
  }
  const inside = { ...server, script }
  try {
    const connecting = { database: name, doing: `connect to database ${name}`, script: 'SELECT to_json(1);' }
    await records(inside, connecting, scope)
    await close(server, name, policy, scope)
    const before = await listing(server, name, scope)
    const value = await read(inside)
    const after = await listing(server, name, scope)
    if (after === null || after.open || after.version !== before?.version)
      throw cannot('check', `database ${name}`, 'somebody changed or opened it meanwhile', {
        code: 'verification',
        hint: 'find out who did, then start again',
      })
    return { value, version: after.version }
  } finally {
    psql.end()
    await psql.ended
  }
}

async function close(server: Server, name: string, policy: SessionPolicy, scope: Scope): Promise<void> {
  await drainSessions(server, [name], policy, scope)
  const script = closingScript([name], [name], scope.run)
  const doing = `close database ${name} to sessions`
  await records(server, { database: maintenance(server), doing, script }, scope)
  const remaining = await sessions(server, [name], scope)
  if (remaining.length > 0)
    throw sessionsRemain([name], remaining, new RunbookError('failed', `${name} is closed, but still in use`))
}
