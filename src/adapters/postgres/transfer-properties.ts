import type { DatabaseFacts, Grant, Setting } from './database-facts.ts'
import { identifier, literal } from './server/quote.ts'

/**
 * The statements that give a database the owner, privileges, settings and options of another one. All can run
 * in a transaction; equal properties are skipped.
 */
export function transferProperties(name: string, from: DatabaseFacts, to: DatabaseFacts): readonly string[] {
  const database = identifier(name)
  const statements: string[] = []
  if (from.owner !== to.owner)
    statements.push(`ALTER DATABASE ${database} OWNER TO ${identifier(from.owner)}`)
  if (!same(from.acl, to.acl) || from.owner !== to.owner) statements.push(...grants(database, from, to))
  if (!same(from.settings, to.settings)) statements.push(...settings(database, from, to))
  if (from.comment !== to.comment) {
    statements.push(
      `COMMENT ON DATABASE ${database} IS ${from.comment === null ? 'NULL' : literal(from.comment)}`,
    )
  }
  const options = [
    ...(from.connectionLimit === to.connectionLimit ? [] : [`CONNECTION LIMIT ${from.connectionLimit}`]),
    ...(from.allowConnections === to.allowConnections ? [] : [`ALLOW_CONNECTIONS ${from.allowConnections}`]),
    ...(from.isTemplate === to.isTemplate ? [] : [`IS_TEMPLATE ${from.isTemplate}`]),
  ]
  if (options.length > 0) statements.push(`ALTER DATABASE ${database} WITH ${options.join(' ')}`)
  return statements
}

const same = (one: readonly unknown[], other: readonly unknown[]): boolean =>
  JSON.stringify(one) === JSON.stringify(other)

/**
 * Revokes everything, then repeats each grant as its grantor, the owner's first: they carry the grant
 * options.
 */
function grants(database: string, from: DatabaseFacts, to: DatabaseFacts): readonly string[] {
  const holders = new Set([
    null,
    from.owner,
    ...to.acl.map(({ grantee }) => (grantee === to.owner ? from.owner : grantee)),
  ])
  const revokes = [...holders].map(
    (holder) => `REVOKE ALL ON DATABASE ${database} FROM ${grantee(holder)} CASCADE`,
  )
  return [...revokes, ...inOrder(from).map((grant) => grantStatement(database, grant, from.owner))]
}

/** Orders grants so that a grantor comes after the grant that made it one. */
function inOrder({ acl, owner }: DatabaseFacts): readonly Grant[] {
  const ordered: Grant[] = []
  const grantors = new Set([owner])
  for (let pending = [...acl]; pending.length > 0;) {
    const next = pending.filter(({ grantor }) => grantors.has(grantor))
    if (next.length === 0) return [...ordered, ...pending]
    ordered.push(...next)
    for (const { grantee, grantable } of next) if (grantable && grantee !== null) grantors.add(grantee)
    pending = pending.filter((grant) => !next.includes(grant))
  }
  return ordered
}

function grantStatement(database: string, grant: Grant, owner: string): string {
  const option = grant.grantable && grant.grantee !== owner ? ' WITH GRANT OPTION' : ''
  const statement = `GRANT ${grant.privilege} ON DATABASE ${database} TO ${grantee(grant.grantee)}${option}`
  // A grant by a superuser or the owner is recorded as the owner's; any other grantor must issue it itself.
  return grant.grantor === owner
    ? statement
    : `SET LOCAL ROLE ${identifier(grant.grantor)}; ${statement}; RESET ROLE`
}

const grantee = (role: string | null): string => (role === null ? 'PUBLIC' : identifier(role))

function settings(database: string, from: DatabaseFacts, to: DatabaseFacts): readonly string[] {
  const place = (role: string | null): string =>
    role === null ? `ALTER DATABASE ${database}` : `ALTER ROLE ${identifier(role)} IN DATABASE ${database}`
  const holders = new Set(to.settings.map(({ role }) => role))
  return [
    ...[...holders].map((role) => `${place(role)} RESET ALL`),
    ...from.settings.map(
      (setting) => `${place(setting.role)} SET ${parameter(setting.name)} TO ${valueOf(setting)}`,
    ),
  ]
}

/** Quotes each part: `app.tenant` has two. */
const parameter = (name: string): string => name.split('.').map(identifier).join('.')

/** Parameters whose value is a list of identifiers, each quoted by itself (GUC_LIST_QUOTE in guc.c). */
const lists = new Set([
  'local_preload_libraries',
  'oauth_validator_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
])

const valueOf = ({ name, value }: Setting): string =>
  lists.has(name.toLowerCase()) && value !== '' ? elements(value).map(literal).join(', ') : literal(value)

/** Splits `"$user", public, "od""d"` as the server does. */
function elements(list: string): readonly string[] {
  return [...list.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^",\s]+))\s*(?:,|$)/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
  )
}
