import { cannot, RunbookError } from '../../kernel/errors.ts'
import type { Scope } from '../../drivers/scope.ts'
import { cleanupScope } from './server/cleanup-scope.ts'
import { maintenance, records } from './server/psql.ts'
import { identifier, literal } from './server/quote.ts'
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
 * Drops a copy, its partial restore and the role of that. Its sessions are ended: a killed run may still be restoring
 * into it.
 */
export async function drop(server: Server, name: string, scope: Scope): Promise<void> {
  mustNotBeLive(server, name)
  // Suppresses the notice of IF EXISTS for a database that does not exist.
  const script =
    'SET client_min_messages = warning;\n' +
    [partialName(name), name]
      .map((each) => `DROP DATABASE IF EXISTS ${identifier(each)} WITH (FORCE);\n`)
      .join('') +
    dropRole(partialName(name))
  const dropping = (): Promise<unknown> =>
    records(server, { database: maintenance(server), doing: `drop database ${name}`, script }, scope)
  try {
    await dropping()
  } catch (thrown) {
    if (scope.signal.aborted || !(await dropIdleSubscriptions(server, [partialName(name), name], scope)))
      throw thrown
    await dropping()
  }
}

/** Only if it exists, since most roles may not even try. */
const dropRole = (name: string): string =>
  `SELECT pg_catalog.format('DROP ROLE %I', rolname) FROM pg_catalog.pg_roles WHERE rolname = ${literal(name)} \\gexec\n`

/**
 * A database with a subscription cannot be dropped. One without a slot, or disabled in a copy that a run
 * restored, is dropped alone: its slot at the other server, if any, belongs to the database that was dumped.
 * @returns whether any was dropped
 * @throws RunbookError `failed` for one that is in use
 */
async function dropIdleSubscriptions(
  server: Server,
  names: readonly string[],
  scope: Scope,
): Promise<boolean> {
  const script = `
SELECT json_build_object('database', d.datname, 'name', s.subname, 'enabled', s.subenabled, 'slot', s.subslotname)
FROM pg_catalog.pg_subscription AS s JOIN pg_catalog.pg_database AS d ON d.oid = s.subdbid
WHERE d.datname IN (${names.map(literal).join(', ')}) ORDER BY s.subname;`
  const doing = `list the subscriptions of ${names.join(' and ')}`
  // Where they cannot be listed, the failure of the drop says more.
  const found = (await records(server, { database: maintenance(server), doing, script }, scope).catch(
    () => [],
  )) as readonly Subscription[]
  const used = found.find(
    ({ database, enabled, slot }) => enabled || (slot !== null && !isRestoredCopy(database)),
  )
  if (used !== undefined)
    throw cannot('drop', `database ${used.database}`, `its subscription ${used.name} may be in use`, {
      code: 'failed',
      hint: `connect to ${used.database} and run: DROP SUBSCRIPTION ${identifier(used.name)}`,
    })
  for (const { database, name } of found) {
    const subscription = identifier(name)
    await records(
      server,
      {
        database,
        doing: `drop the subscription ${name} of ${database}`,
        script: `ALTER SUBSCRIPTION ${subscription} SET (slot_name = NONE);\nDROP SUBSCRIPTION ${subscription};\n`,
      },
      scope,
    )
  }
  return found.length > 0
}

type Subscription = {
  readonly database: string
  readonly name: string
  readonly enabled: boolean
  readonly slot: string | null
}

/** By the name that steps give to a copy: with the id of the run. */
const isRestoredCopy = (name: string): boolean => /__rb_\d{8}_\d{6}_\w+$/.test(name)

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
