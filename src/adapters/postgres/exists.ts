import type { Scope } from '../../drivers/scope.ts'
import { maintenance, records } from './server/psql.ts'
import { literal } from './server/quote.ts'
import type { Server } from './server/server.ts'
import { partialSuffix } from './partial-name.ts'

export async function exists(server: Server, name: string, scope: Scope): Promise<boolean> {
  const script = `SELECT to_json(EXISTS (SELECT 1 FROM pg_catalog.pg_database WHERE datname = ${literal(name)}));`
  const [answer] = await records(
    server,
    { database: maintenance(server), doing: `check for database ${name}`, script },
    scope,
  )
  return answer === true
}

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
