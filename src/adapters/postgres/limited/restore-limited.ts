import type { Dump } from '../../../drivers/databases.ts'
import type { Scope } from '../../../drivers/scope.ts'
import { cannot, RunbookError } from '../../../kernel/errors.ts'
import type { ArchiveEntry } from '../archive/table-of-contents.ts'
import { createsPublic } from '../archive/contents.ts'
import { isScript } from '../dump-entries.ts'
import { restorePlain } from '../plain/restore-plain.ts'
import { restoreInto } from '../restore-into.ts'
import { records } from '../server/psql.ts'
import { identifier, literal } from '../server/quote.ts'
import type { Server } from '../server/server.ts'
import {
  asComments,
  commentStatements,
  extensionsIn,
  extensionTables,
  preparedEntries,
} from './extensions.ts'
import { loggedIn, newLogin, scramVerifier } from './login.ts'
import { grantStatements, mainOwner, ownerStatement } from './ownership-statements.ts'

/**
 * Restores into the empty copy `name` as a role of the same name, which owns nothing else and is gone when it ends. The
 * SQL of the dump has no other rights. The superuser creates what only it can, the extensions, before, and sets owners
 * and privileges as the dump has them afterwards, with statements of its own.
 * @throws RunbookError `failed`, with role and copy left to the caller
 */
export async function restoreLimited(
  server: Server,
  name: string,
  { dump, entries }: { readonly dump: Dump; readonly entries: readonly ArchiveEntry[] },
  scope: Scope,
): Promise<void> {
  const login = newLogin(name)
  const limited = loggedIn(server, login)
  const [publicOwner] = await records(
    server,
    {
      database: name,
      doing: `create the role that restores into ${name}`,
      script: before(name, entries, scramVerifier(login.password)),
    },
    scope,
  )
  await mustBeLimited(limited, name, scope)
  try {
    if (isScript(dump))
      await restorePlain(limited, name, dump, { owners: false, without: setLater(entries) }, scope)
    else {
      const patches = asComments(preparedEntries(entries))
      await restoreInto(limited, name, dump, { options: ['--no-owner', '--no-privileges'], patches }, scope)
    }
  } catch (thrown) {
    if (!(thrown instanceof RunbookError) || thrown.code !== 'failed') throw thrown
    throw new RunbookError('failed', `${thrown.message} (restored without superuser rights)`, {
      cause: thrown,
      hint: "check the step's log for the last output of pg_restore; if the dump needs a superuser and you trust it, set database.restoreAs to 'user'",
    })
  }
  await records(
    server,
    {
      database: name,
      doing: `set the owners and privileges of ${name}`,
      script: after(name, entries, { user: server.database.user, publicOwner: String(publicOwner) }),
    },
    scope,
  )
}

/** What the superuser does before and after, by id. */
const setLater = (entries: readonly ArchiveEntry[]): ReadonlySet<number> =>
  new Set(
    [
      ...preparedEntries(entries),
      ...entries.filter(({ kind }) => kind === 'ACL' || kind === 'DEFAULT ACL'),
    ].map(({ id }) => id),
  )

/** Objects of the dump cannot hide those of the server in these statements. */
const path = 'SET search_path = pg_catalog, pg_temp;\nSET client_min_messages = warning;\n'

/** Selects the owner of `public`. */
function before(name: string, entries: readonly ArchiveEntry[], verifier: string): string {
  const role = identifier(name)
  const prepared = preparedEntries(entries)
  const statements = [
    `CREATE ROLE ${role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD ${literal(verifier)}`,
    // Not its owner: the owner of a database may change settings that apply to everybody's sessions.
    `GRANT CONNECT, CREATE, TEMPORARY ON DATABASE ${role} TO ${role}`,
    ...(createsPublic(entries) ? [] : [`ALTER SCHEMA public OWNER TO ${role}`]),
    ...prepared.flatMap((entry) =>
      entry.kind === 'SCHEMA' ? [`CREATE SCHEMA ${identifier(entry.name)} AUTHORIZATION ${role}`] : [],
    ),
    ...extensionsIn(entries).map(
      (extension) =>
        `CREATE EXTENSION IF NOT EXISTS ${identifier(extension.name)} WITH SCHEMA ${identifier(extension.schema)}`,
    ),
    ...extensionTables(entries).flatMap((table) => [
      `GRANT USAGE ON SCHEMA ${identifier(table.schema ?? 'public')} TO ${role}`,
      `GRANT INSERT ON TABLE ${identifier(table.schema ?? 'public')}.${identifier(table.name)} TO ${role}`,
    ]),
  ]
  const owner = `SELECT to_json(coalesce((SELECT pg_catalog.pg_get_userbyid(nspowner) FROM pg_catalog.pg_namespace WHERE nspname = 'public'), ''));\n`
  return `${path}${owner}BEGIN;\n${statements.map((statement) => `${statement};\n`).join('')}COMMIT;\n`
}

async function mustBeLimited(limited: Server, name: string, scope: Scope): Promise<void> {
  const script = `SELECT to_json(session_user = ${literal(name)} AND NOT rolsuper) FROM pg_catalog.pg_roles WHERE rolname = session_user;`
  const [answer] = await records(limited, { database: name, doing: `log in as ${name}`, script }, scope)
  if (answer === true) return
  throw cannot('restore', `into database ${name}`, `the session of role ${name} has other rights`, {
    code: 'failed',
    hint: "check pg_hba.conf and pg_ident.conf, or set database.restoreAs to 'user'",
  })
}

/**
 * ANALYZE evaluates expressions of the dump with the rights of the owner of a table, so it comes first. Dropping the role
 * in the transaction that takes everything from it leaves it either with all or not there.
 */
function after(
  name: string,
  entries: readonly ArchiveEntry[],
  { user, publicOwner }: { readonly user: string; readonly publicOwner: string },
): string {
  const role = identifier(name)
  const main = mainOwner(entries, user)
  const given = inOrder(entries).flatMap((entry) => {
    const owner = entry.owner ?? user
    const statement = ownerStatement(entry, owner)
    return owner === main || statement === null || statement === 'unknown' ? [] : [statement]
  })
  const qualified = entries.some(({ kind }) => kind === 'SEARCHPATH')
  const statements = [
    // One that the dump has an entry for gets its owner below.
    ...(createsPublic(entries) ? [] : [`ALTER SCHEMA public OWNER TO ${identifier(publicOwner)}`]),
    `REASSIGN OWNED BY ${role} TO ${identifier(main)}`,
    ...given,
    ...publicOf(entries).map(({ owner }) => `ALTER SCHEMA public OWNER TO ${identifier(owner ?? user)}`),
    ...commentStatements(entries),
    ...entries.flatMap((entry) => {
      if (entry.kind !== 'ACL' && entry.kind !== 'DEFAULT ACL') return []
      // pg_dump before 10.3 leaves schemas to the search path.
      const there =
        qualified || entry.schema === null
          ? []
          : [`SET LOCAL search_path = ${identifier(entry.schema)}, pg_catalog`]
      return [...there, ...(grantStatements(entry) ?? []), 'RESET SESSION AUTHORIZATION']
    }),
    `DROP OWNED BY ${role}`,
    `DROP ROLE ${role}`,
  ]
  return `ANALYZE;\n${path}BEGIN;\n${statements.map((statement) => `${statement};\n`).join('')}COMMIT;\n`
}

const publicOf = (entries: readonly ArchiveEntry[]): readonly ArchiveEntry[] =>
  entries.filter(({ kind, name }) => kind === 'SCHEMA' && name === 'public')

/** Sequences follow the table that they belong to, and cannot be given away before it. */
const inOrder = (entries: readonly ArchiveEntry[]): readonly ArchiveEntry[] => [
  ...entries.filter(({ kind }) => kind !== 'SEQUENCE'),
  ...entries.filter(({ kind }) => kind === 'SEQUENCE'),
]
