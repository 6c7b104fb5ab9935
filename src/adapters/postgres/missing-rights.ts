import type { ChangeNeedingRights, MissingRight } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { qualified } from './rows.ts'
import { sequencesOf } from './sequences.ts'
import { maintenance, records } from './server/psql.ts'
import { literal, qualifiedNameSql } from './server/quote.ts'
import type { Server } from './server/server.ts'
import { others } from './server/sessions.ts'

/** A query for rows of `lacks`, `certain` and `cures`. */
type Check = string

const since = (version: number): string =>
  `current_setting('server_version_num')::integer >= ${version * 10_000}`

/** What `SET ROLE` needs: version 16 tells it from membership. */
const settable = `CASE WHEN ${since(16)} THEN 'SET' ELSE 'MEMBER' END`

/** Lets the role of the target act as another one, with its privileges. */
const joining = (role: string): string =>
  `CASE WHEN ${since(16)} THEN format('GRANT %I TO %I WITH INHERIT TRUE, SET TRUE', ${role}, me.rolname)
    WHEN pg_has_role(${role}, 'MEMBER') THEN format('ALTER ROLE %I INHERIT', me.rolname) ELSE format('GRANT %I TO %I', ${role}, me.rolname) END`

/** Statements about a database are typed in another one. */
const connects = (database: string): Check => `
SELECT 'CONNECT on database ' || d.datname, true, ARRAY[format('GRANT CONNECT ON DATABASE %I TO %I', d.datname, me.rolname)]
FROM me, pg_database AS d WHERE d.datname = ${literal(database)} AND NOT has_database_privilege(d.oid, 'CONNECT')`

const createsDatabases: Check = `
SELECT 'CREATEDB', true, ARRAY[format('ALTER ROLE %I CREATEDB', me.rolname)] FROM me WHERE NOT me.rolcreatedb`

/** Nobody should become a member of a superuser's role. */
const actsAsOwner: Check = `
SELECT format('the rights of %s, who owns database %s', live.owner, live.datname), true,
  ARRAY[CASE WHEN live.by_superuser THEN format('ALTER DATABASE %I OWNER TO %I', live.datname, me.rolname) ELSE ${joining('live.owner')} END]
FROM me, live WHERE NOT (pg_has_role(live.datdba, 'USAGE') AND pg_has_role(live.datdba, ${settable}))`

const usesTablespace: Check = `
SELECT format('CREATE on the tablespace %s', live.spcname), true, ARRAY[format('GRANT CREATE ON TABLESPACE %I TO %I', live.spcname, me.rolname)]
FROM me, live WHERE live.spcname <> 'pg_default' AND NOT has_tablespace_privilege(live.dattablespace, 'CREATE')`

/** A swap repeats grants in the name of those who made them. */
const repeatsGrants: Check = `
SELECT DISTINCT format('SET ROLE %s, who granted privileges on database %s', g.rolname, live.datname), true, ARRAY[${joining('g.rolname')}]
FROM me, live JOIN pg_database AS d ON d.oid = live.oid, aclexplode(d.datacl) AS a JOIN pg_roles AS g ON g.oid = a.grantor
WHERE a.grantor <> d.datdba AND NOT pg_has_role(a.grantor, ${settable})`

const liveSettings = `live JOIN pg_db_role_setting AS s ON s.setdatabase = live.oid CROSS JOIN LATERAL
  (SELECT split_part(c, '=', 1) AS name FROM unnest(s.setconfig) AS c) AS p`

/** A swap gives the new live database the settings of the old one, those of single roles in it too. */
const setsForRoles: Check = `
SELECT DISTINCT format('the right to set %s of the role %s in database %s', p.name, r.rolname, live.datname), true,
  ARRAY[CASE WHEN NOT r.rolsuper AND ${since(16)} THEN format('ALTER ROLE %I CREATEROLE; GRANT %I TO %I WITH ADMIN OPTION', me.rolname, r.rolname, me.rolname)
    WHEN NOT r.rolsuper THEN format('ALTER ROLE %I CREATEROLE', me.rolname)
    ELSE format('ALTER ROLE %I IN DATABASE %I RESET %s', r.rolname, live.datname, p.name) END]
FROM me, pg_roles AS r, ${liveSettings}
WHERE r.oid = s.setrole AND r.oid <> me.oid
  AND NOT (me.rolcreaterole AND NOT r.rolsuper AND (NOT ${since(16)} OR pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION')))`

/** Version 15 can grant them one by one. */
const setsParameters = (granted: string): Check => `
SELECT DISTINCT format('the right to set %s', g.name), true,
  ARRAY[CASE WHEN ${since(15)} THEN format('GRANT SET ON PARAMETER %s TO %I', g.name, me.rolname) ELSE format('ALTER DATABASE %I RESET %s', live.datname, g.name) END]
FROM me, ${liveSettings} JOIN pg_settings AS g ON lower(g.name) = lower(p.name)
WHERE g.context IN ('superuser', 'superuser-backend') AND NOT ${granted}`

/** Those of the writers end with the writers, so only what is connected beside them makes the swap fail. */
const endsSessions = (database: string, run: string): Check => `
SELECT DISTINCT format('the right to end the sessions of %s', a.usename), false,
  ARRAY[CASE WHEN u.rolsuper THEN format('stop what connects as %s', a.usename) ELSE format('GRANT pg_signal_backend TO %I', me.rolname) END]
${others([database], run, ['me', 'pg_catalog.pg_roles AS u'])} AND u.oid = a.usesysid
  AND NOT pg_has_role(u.oid, 'USAGE') AND (u.rolsuper OR NOT pg_has_role('pg_signal_backend', 'USAGE'))`

const ours = (catalog: string): string =>
  `n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = '${catalog}'::regclass AND d.objid = o.oid AND d.deptype IN ('e', 'i'))`

/**
 * A restore in place drops what the dump has, and its undo everything else too, as the owner of the database. The owner of
 * a schema may drop what is in it, but not change a table in it. An extension cannot be given to another owner.
 */
const dropsObjects: Check = `
SELECT format('the rights of %s, who owns the %s %s', pg_get_userbyid(of.owner), lower(of.kind), of.name), true,
  ARRAY[CASE of.kind WHEN 'EXTENSION' THEN 'restore beside the live database: --strategy beside' ELSE format('ALTER %s %s OWNER TO %I', of.kind, of.name, live.owner) END]
FROM live, (
  SELECT CASE o.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind,
    format('%I.%I', n.nspname, o.relname) AS name, o.relowner AS owner, CASE WHEN o.relkind IN ('r', 'p', 'f') THEN o.relowner ELSE n.nspowner END AS other
  FROM pg_class AS o JOIN pg_namespace AS n ON n.oid = o.relnamespace
  WHERE o.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND ${ours('pg_class')} AND NOT EXISTS (SELECT FROM pg_depend AS a WHERE a.classid = 'pg_class'::regclass AND a.objid = o.oid AND a.deptype = 'a' AND o.relkind = 'S')
  UNION ALL SELECT 'ROUTINE', format('%I.%I(%s)', n.nspname, o.proname, pg_get_function_identity_arguments(o.oid)), o.proowner, n.nspowner
  FROM pg_proc AS o JOIN pg_namespace AS n ON n.oid = o.pronamespace WHERE ${ours('pg_proc')}
  UNION ALL SELECT 'TYPE', format('%I.%I', n.nspname, o.typname), o.typowner, n.nspowner
  FROM pg_type AS o JOIN pg_namespace AS n ON n.oid = o.typnamespace LEFT JOIN pg_class AS c ON c.oid = o.typrelid
  WHERE (o.typtype IN ('e', 'd', 'r') OR c.relkind = 'c') AND ${ours('pg_type')}
  UNION ALL SELECT 'SCHEMA', format('%I', n.nspname), n.nspowner, n.nspowner FROM pg_namespace AS n JOIN pg_namespace AS o ON o.oid = n.oid
  WHERE n.nspname <> 'public' AND ${ours('pg_namespace')}
  UNION ALL SELECT 'EXTENSION', format('%I', extname), extowner, extowner FROM pg_extension WHERE extname <> 'plpgsql'
) AS of WHERE NOT pg_has_role(live.datdba, of.owner, 'USAGE') AND NOT pg_has_role(live.datdba, of.other, 'USAGE')`

/** The rows are compared before, numbered by the sequence of their column, and deleted by the undo. */
const changesRows = (tables: readonly string[]): readonly Check[] =>
  tables.flatMap((table) => {
    const of = `to_regclass(${literal(qualified(table))})`
    const name = qualifiedNameSql('n.nspname', 'c.relname')
    return [
      `SELECT format('USAGE on the schema %s', n.nspname), true, ARRAY[format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, me.rolname)]
FROM me, pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = ${of} AND NOT has_schema_privilege(n.oid, 'USAGE')`,
      `SELECT format('%s on the table %s', string_agg(p, ', ' ORDER BY p DESC), ${name}), true,
  ARRAY[format('GRANT %s ON TABLE %I.%I TO %I', string_agg(p, ', ' ORDER BY p DESC), n.nspname, c.relname, me.rolname)]
FROM me, unnest(ARRAY['SELECT', 'INSERT', 'DELETE']) AS p, pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = ${of} AND NOT has_table_privilege(c.oid, p) GROUP BY n.nspname, c.relname, me.rolname`,
      `SELECT format('exemption from the row security of the table %s', ${name}), true, ARRAY[format('ALTER ROLE %I BYPASSRLS', me.rolname)]
FROM me, pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = ${of} AND row_security_active(c.oid)`,
      `SELECT format('USAGE on the sequence %s', ${name}), true, ARRAY[format('GRANT USAGE, UPDATE ON SEQUENCE %I.%I TO %I', n.nspname, c.relname, me.rolname)]
FROM me, ${sequencesOf(of)} AS own JOIN pg_class AS c ON c.oid = own.seq JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE CASE c.relkind WHEN 'S' THEN NOT has_sequence_privilege(c.oid, 'USAGE, UPDATE') END`,
    ]
  })

function checksOf(
  server: Server,
  change: ChangeNeedingRights,
  granted: string,
  run: string,
): readonly Check[] {
  const { name } = server.database
  const elsewhere = connects(maintenance(server))
  switch (change.do) {
    case 'restore beside':
      return [elsewhere, createsDatabases, actsAsOwner, usesTablespace]
    case 'swap':
      return [
        elsewhere,
        createsDatabases,
        actsAsOwner,
        repeatsGrants,
        setsForRoles,
        setsParameters(granted),
        endsSessions(name, run),
      ]
    case 'restore in place':
      return [elsewhere, actsAsOwner, dropsObjects, endsSessions(name, run)]
    case 'drop copies':
      return [elsewhere, actsAsOwner]
    case 'insert rows':
      return changesRows(change.tables)
  }
}

const most = 1000

const facts = `WITH me AS (SELECT oid, rolname, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user AND NOT rolsuper),
live AS (SELECT d.oid, d.datname, d.datdba, d.dattablespace, t.spcname, o.rolname AS owner, o.rolsuper AS by_superuser
  FROM pg_database AS d JOIN pg_roles AS o ON o.oid = d.datdba JOIN pg_tablespace AS t ON t.oid = d.dattablespace
  WHERE d.datname = current_database() AND EXISTS (SELECT FROM me))`

/** What the role of the target lacks for a change, from catalogues only. A superuser lacks nothing. */
export async function missingRights(
  server: Server,
  change: ChangeNeedingRights,
  scope: Scope,
): Promise<readonly MissingRight[]> {
  const { name, user } = server.database
  const found = (granted: string): string =>
    `${facts}
SELECT json_build_object('lacks', lacks, 'certain', certain, 'cures', to_json(cures)) FROM (
${checksOf(server, change, granted, scope.run).join('\nUNION ALL\n')}
) AS found (lacks, certain, cures) ORDER BY NOT certain, lacks COLLATE "C" LIMIT ${most};`
  // A function that the server lacks cannot be named even where it is not called.
  const script = `SET search_path = pg_catalog, pg_temp;
SELECT ${since(15)} AS rb_grants_parameters \\gset
\\if :rb_grants_parameters
${found("has_parameter_privilege(g.name, 'SET')")}
\\else
${found('false')}
\\endif
`
  const doing = `list the rights that ${user} lacks on database ${name}`
  return (await records(server, { database: name, doing, script }, scope)) as readonly MissingRight[]
}
