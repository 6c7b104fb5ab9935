import type { Contents, TableRowCount } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import type { Json } from '../../kernel/json.ts'
import { liveObjects } from './live-objects.ts'
import { records } from './server/psql.ts'
import { qualifiedNameSql } from './server/quote.ts'
import type { Server } from './server/server.ts'

/** Bytes of a table from which its rows are estimated. */
const large = 512 * 1024 * 1024

/** pg_dump leaves out what belongs to an extension, since CREATE EXTENSION makes it (extension_config_dump aside). */
const ofExtension = (catalog: string, oid: string): string =>
  `EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid = 'pg_catalog.${catalog}'::regclass AND d.objid = ${oid} AND d.deptype = 'e')`

const named = (kind: string): string => `
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind = '${kind}' AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND NOT ${ofExtension('pg_class', 'c.oid')}`

/** `reltuples` is -1, and before Postgres 14 also 0, for a table that was never analysed: such a one is counted. */
const script = `
BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SET LOCAL search_path = ''; SET LOCAL row_security = off; SET LOCAL statement_timeout = 0;
SELECT CASE WHEN c.reltuples > 0 AND pg_catalog.pg_relation_size(c.oid) > ${large}
  THEN pg_catalog.format('SELECT json_build_object(''table'', %L, ''rows'', %s, ''estimated'', true)', ${qualifiedNameSql('n.nspname', 'c.relname')}, c.reltuples::bigint)
  ELSE pg_catalog.format('SELECT json_build_object(''table'', %L, ''rows'', count(*), ''estimated'', false) FROM ONLY %I.%I', ${qualifiedNameSql('n.nspname', 'c.relname')}, n.nspname, c.relname)
  END ${named('r')} ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C" \\gexec
SELECT json_build_object(
  'schemas', (SELECT coalesce(json_agg(n.nspname ORDER BY n.nspname COLLATE "C"), '[]') FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'public') AND NOT ${ofExtension('pg_namespace', 'n.oid')}),
  'sequences', (SELECT coalesce(json_agg(one ORDER BY one COLLATE "C"), '[]') FROM (SELECT ${qualifiedNameSql('n.nspname', 'c.relname')} AS one ${named('S')}) AS every),
  'extensions', (SELECT coalesce(json_agg(extname ORDER BY extname COLLATE "C"), '[]') FROM pg_catalog.pg_extension WHERE extname <> 'plpgsql'),
  'largeObjects', (SELECT count(*) FROM pg_catalog.pg_largeobject_metadata));
COMMIT;
`

export async function contents(server: Server, name: string, scope: Scope): Promise<Contents> {
  const doing = `list the tables of database ${name}`
  const answers = await records(server, { database: name, doing, script }, scope)
  const rest = answers.find((answer) => has(answer, 'schemas')) as Pick<
    Contents,
    'schemas' | 'sequences' | 'extensions' | 'largeObjects'
  >
  const objects = await liveObjects(server, name, scope)
  return {
    ...rest,
    objects,
    tables: answers.filter((answer): answer is TableRowCount => has(answer, 'table')),
  }
}

const has = (answer: Json, field: string): boolean =>
  typeof answer === 'object' && answer !== null && field in answer
