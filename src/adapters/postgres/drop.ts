import { RunbookError } from '../../kernel/errors.ts'
import type { Scope } from '../../drivers/scope.ts'
import { cleanupScope } from './server/cleanup-scope.ts'
import { maintenance, records } from './server/psql.ts'
import { identifier } from './server/quote.ts'
import { partialName } from './partial-name.ts'
import type { Server } from './server/server.ts'

const kept = new Set(['postgres', 'template0', 'template1'])

/** @throws RunbookError `usage` for the live database and for those that every server needs. */
export function mustNotBeLive(server: Server, name: string): void {
  if (name !== server.database.name && !kept.has(name)) return
  throw new RunbookError('usage', `the database ${name} must not be replaced or dropped`, {
    hint: 'name a copy',
  })
}

/** Sessions on it are ended: it is a copy, and what a killed run left behind may still be restoring into it. The unfinished one goes too. */
export async function drop(server: Server, name: string, scope: Scope): Promise<void> {
  mustNotBeLive(server, name)
  // That one of them was not there is what IF EXISTS is for, and no news.
  const script =
    'SET client_min_messages = warning;\n' +
    [partialName(name), name]
      .map((each) => `DROP DATABASE IF EXISTS ${identifier(each)} WITH (FORCE);\n`)
      .join('')
  await records(server, { database: maintenance(server), doing: `drop the database ${name}`, script }, scope)
}

/** Drops what a failed step began, even when the step was told to stop. @throws RunbookError `rollback-incomplete`, with the first failure's words too. */
export async function dropAfter(failure: unknown, server: Server, name: string, scope: Scope): Promise<void> {
  try {
    await drop(server, name, cleanupScope(scope))
  } catch (thrown) {
    const because = failure instanceof Error ? failure.message : String(failure)
    throw new RunbookError(
      'rollback-incomplete',
      `${because}; and the unfinished copy ${name} could not be dropped`,
      {
        cause: thrown,
        hint: `DROP DATABASE ${identifier(name)} WITH (FORCE)`,
      },
    )
  }
}
