import type { Scope } from '../../drivers/scope.ts'
import { maintenance, records } from './server/psql.ts'
import { literal } from './server/quote.ts'
import type { Server } from './server/server.ts'
import { partialSuffix } from './partial-name.ts'

/** Those of the names that databases have, or roles that restore into one: such a role has the partial name. */
async function existing(
  server: Server,
  names: readonly string[],
  scope: Scope,
): Promise<ReadonlySet<string>> {
  const wanted = names.map(literal).join(', ')
  const script = `
SELECT to_json(datname) FROM pg_catalog.pg_database WHERE datname IN (${wanted})
UNION ALL SELECT to_json(rolname) FROM pg_catalog.pg_roles
  WHERE right(rolname, ${partialSuffix.length}) = ${literal(partialSuffix)} AND rolname IN (${wanted});`
  const doing = `check for database ${names.join(', ')}`
  return new Set((await records(server, { database: maintenance(server), doing, script }, scope)).map(String))
}

/**
 * Whether a database exists. Names that are asked for at the same time share one client: a probe asks for several, and
 * each client program costs more than its question.
 */
export function existsTogether(server: Server, scope: Scope): (name: string) => Promise<boolean> {
  let waiting: { readonly names: Set<string>; readonly answer: Promise<ReadonlySet<string>> } | null = null
  return async (name) => {
    if (waiting === null) {
      const names = new Set<string>()
      const answer = turnOfTheEventLoop().then(() => {
        waiting = null
        return existing(server, [...names], scope)
      })
      waiting = { names, answer }
    }
    const { names, answer } = waiting
    names.add(name)
    return (await answer).has(name)
  }
}

const turnOfTheEventLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Names of complete databases besides the live one; templates and partial restores are left out. */
export async function beside(server: Server, live: string, scope: Scope): Promise<readonly string[]> {
  const script = `SELECT to_json(datname) FROM pg_catalog.pg_database WHERE NOT datistemplate AND datname <> ${literal(live)} AND right(datname, ${partialSuffix.length}) <> ${literal(partialSuffix)} ORDER BY datname COLLATE "C";`
  return (
    await records(
      server,
      { database: maintenance(server), doing: `list the databases beside ${live}`, script },
      scope,
    )
  ).map(String)
}
