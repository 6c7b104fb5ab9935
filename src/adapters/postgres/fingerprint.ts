import type { Fingerprint, TableFingerprint } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { digestOf, type Json } from '../../kernel/json.ts'
import { records } from './server/psql.ts'
import { qualifiedNameSql, wordSql } from './server/quote.ts'
import type { Server } from './server/server.ts'

/**
 * Pins every setting that affects how a value is written, so equal rows never differ by settings of a role or
 * database. `row_security = off` turns a policy that would hide rows into an error.
 */
const begin = `
BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SET LOCAL search_path = ''; SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL TimeZone = 'UTC'; SET LOCAL IntervalStyle = 'postgres';
SET LOCAL extra_float_digits = 3; SET LOCAL bytea_output = 'hex'; SET LOCAL xmlbinary = 'base64'; SET LOCAL lc_monetary = 'C';
SET LOCAL row_security = off; SET LOCAL statement_timeout = 0;`

/** Ordinary tables, each partition by itself; temporary and foreign tables hold no data of this database. */
const tables = `
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`

/**
 * A sum of 64-bit hashes is independent of row order, and counts duplicate rows. `t.*` is the row, whatever its
 * columns are called: of a table with a column `t`, `t` is that column alone.
 */
const rowDigest = 'coalesce(sum(pg_catalog.hashtextextended((t.*)::text COLLATE "C", 0)::numeric), 0)::text'

const tableQueries = (digest: string): string => `
SELECT pg_catalog.format(
  'SELECT json_build_object(''table'', %L, ''rows'', count(*), ''digest'', ${digest.replaceAll("'", "''")}) FROM ONLY %I.%I AS t',
  ${qualifiedNameSql('n.nspname', 'c.relname')}, n.nspname, c.relname) ${tables} \\gexec`

/**
 * Columns, names of indexes and constraints, sequences. No expressions: the server may print them differently
 * after a restore.
 */
const shape = `
SELECT json_build_object('columns', json_agg(pg_catalog.concat_ws(' ', ${wordSql('n.nspname')}, ${wordSql('c.relname')}, ${wordSql('a.attname')},
    pg_catalog.format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'not null' END, a.attidentity, a.attgenerated)
    ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", a.attnum))
  FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't' AND a.attnum > 0 AND NOT a.attisdropped
    AND n.nspname NOT IN ('pg_catalog', 'information_schema');
SELECT json_build_object('indexes', json_agg(pg_catalog.concat_ws(' ', ${wordSql('n.nspname')}, ${wordSql('t.relname')}, ${wordSql('c.relname')}, i.indisunique, i.indisvalid)
    ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"))
  FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND c.relpersistence <> 't';
SELECT json_build_object('constraints', json_agg(pg_catalog.concat_ws(' ', ${wordSql('n.nspname')}, ${wordSql('c.relname')}, ${wordSql('k.conname')}, k.contype, k.convalidated)
    ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", k.conname COLLATE "C"))
  FROM pg_catalog.pg_constraint AS k JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND c.relpersistence <> 't';
SELECT pg_catalog.format('SELECT json_build_object(''sequence'', %L, ''last'', last_value::text, ''called'', is_called) FROM %I.%I',
    ${qualifiedNameSql('n.nspname', 'c.relname')}, n.nspname, c.relname)
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE c.relkind = 'S' AND c.relpersistence <> 't' ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C" \\gexec
SELECT json_build_object('largeObjects', json_agg(oid::text || ' ' || pg_catalog.encode(pg_catalog.sha256(pg_catalog.lo_get(oid)), 'hex') ORDER BY oid)) FROM pg_catalog.pg_largeobject_metadata;`

const commit = '\nCOMMIT;\n'

/** Reads one snapshot in one transaction. The results are the tables, then the shape. */
const fingerprintScript = (mode: 'rows' | 'rows-and-digest'): string =>
  mode === 'rows' ? begin + tableQueries('NULL') + commit : begin + tableQueries(rowDigest) + shape + commit

export async function fingerprint(server: Server, name: string, scope: Scope): Promise<Fingerprint> {
  const script = fingerprintScript(server.database.fingerprint)
  const answers = await records(
    server,
    { database: name, doing: `read the fingerprint of database ${name}`, script },
    scope,
  )
  const tables = answers.filter(isTable)
  return { tables, digest: digestOf(answers) }
}

const isTable = (answer: Json): answer is TableFingerprint =>
  typeof answer === 'object' && answer !== null && 'table' in answer
