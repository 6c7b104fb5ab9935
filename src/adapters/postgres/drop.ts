import { RunbookError } from '../../kernel/errors.ts'
import type { Scope } from '../../drivers/scope.ts'
import { cleanupScope } from './server/cleanup-scope.ts'
import { maintenance, records } from './server/psql.ts'
import { identifier } from './server/quote.ts'
import { partialName } from './partial-name.ts'
import type { Server } from './server/server.ts'

const protectedNames = new Set(['postgres', 'template0', 'template1'])

/** @throws RunbookError `usage` for the live database and for those every server has */
export function mustNotBeLive(server: Server, name: string): void {
  if (name !== server.database.name && !protectedNames.has(name)) return
  throw new RunbookError(
    'usage',
    `cannot replace or drop database ${name}: it is ${name === server.database.name ? 'the live database' : 'a system database'}`,
    {
      hint: 'name a copy',
    },
  )
}

/**
 * Drops a copy and its partial restore. Its sessions are ended: a killed run may still be restoring into it.
 */
export async function drop(server: Server, name: string, scope: Scope): Promise<void> {
  mustNotBeLive(server, name)
  // Suppresses the notice of IF EXISTS for a database that does not exist.
  const script =
    'SET client_min_messages = warning;\n' +
    [partialName(name), name]
      .map((each) => `DROP DATABASE IF EXISTS ${identifier(each)} WITH (FORCE);\n`)
      .join('')
  await records(server, { database: maintenance(server), doing: `drop database ${name}`, script }, scope)
}

/**
 * Drops the partial copy of a failed step, even after an abort.
 * @throws RunbookError `rollback-incomplete`, with the message of the first failure
 */
export async function dropAfter(failure: unknown, server: Server, name: string, scope: Scope): Promise<void> {
  try {
    await drop(server, name, cleanupScope(scope))
  } catch (thrown) {
    const because = failure instanceof Error ? failure.message : String(failure)
    throw new RunbookError('rollback-incomplete', `${because}; and cannot drop the partial copy ${name}`, {
      cause: thrown,
      hint: `run by hand: DROP DATABASE ${identifier(name)} WITH (FORCE)`,
    })
  }
}
