import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import type { Scope } from '../../../drivers/scope.ts'
import { clientError, ownPsql } from '../server/psql.ts'
import type { Login, Server } from '../server/server.ts'

/** A login with a password that only this process knows. */
export const newLogin = (role: string): Login => ({ user: role, password: randomBytes(24).toString('hex') })

/** The same server, with another role. */
export function loggedIn(server: Server, as: Login): Server {
  const run: Server['run'] = (call, scope) => server.run({ ...call, as }, scope)
  return { ...server, run, script: ownPsql(run) }
}

/**
 * Why a role that does not exist yet will not be able to log in; null if it will. The server checks pg_hba.conf before it
 * looks for role and database, so its refusal shows which rule applies.
 */
export async function refusesLogin(
  server: Server,
  role: string,
  database: string,
  scope: Scope,
): Promise<string | null> {
  // The refusal is expected, and would alarm whoever reads along.
  const unheard = { ...scope, output: () => undefined }
  const { exitCode, stderrTail } = await loggedIn(server, newLogin(role)).script(
    { database, sql: '' },
    unheard,
  )
  if (exitCode === 0) return null
  const admitted = [
    `role "${role}" does not exist`,
    `database "${database}" does not exist`,
    `password authentication failed for user "${role}"`,
  ]
  return admitted.some((text) => stderrTail.includes(`FATAL:  ${text}`))
    ? null
    : clientError({ exitCode, stderrTail }).message
}

const iterations = 4096

/**
 * What the server stores for a password (RFC 5803, as libpq's PQencryptPasswordConn computes it), so that a log of
 * statements does not show the password.
 */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16)): string {
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256')
  const keyFor = (what: string): Buffer => createHmac('sha256', salted).update(what).digest()
  const stored = createHash('sha256').update(keyFor('Client Key')).digest('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${keyFor('Server Key').toString('base64')}`
}
