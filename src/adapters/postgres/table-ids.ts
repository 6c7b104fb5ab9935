import type { Scope } from '../../drivers/scope.ts'
import { records } from './server/psql.ts'
import type { Server } from './server/server.ts'

/**
 * Oids are given in ascending order, and a table keeps its own for as long as it exists: TRUNCATE, VACUUM FULL, CLUSTER and
 * ALTER TABLE change its files at most.
 */
const idsQuery = `
SELECT to_json(c.oid::text) FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
ORDER BY c.oid LIMIT 1000;`

export async function tableIds(server: Server, scope: Scope): Promise<readonly string[]> {
  const { name } = server.database
  const doing = `identify the tables of ${name}`
  return (await records(server, { database: name, doing, script: idsQuery }, scope)).map(String)
}
