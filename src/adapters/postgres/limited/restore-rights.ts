import type { Dump } from '../../../drivers/databases.ts'
import type { RestoreRights } from '../../../drivers/restore-rights.ts'
import type { Scope } from '../../../drivers/scope.ts'
import { entriesOf } from '../dump-entries.ts'
import { partialName } from '../partial-name.ts'
import { records } from '../server/psql.ts'
import type { Server } from '../server/server.ts'
import { extensionsIn } from './extensions.ts'
import { refusesLogin } from './login.ts'
import { superuserNeeds, type ServerRules } from './superuser-needs.ts'

const rulesQuery = `
SELECT json_build_object(
  'superuser', (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user),
  'trustedLanguages', coalesce((SELECT json_agg(lanname) FROM pg_catalog.pg_language WHERE lanpltrusted), '[]'),
  'superuserSettings', coalesce((SELECT json_agg(name) FROM pg_catalog.pg_settings WHERE context <> 'user'), '[]'),
  'knownExtensions', coalesce((SELECT json_agg(name) FROM (
    SELECT extname FROM pg_catalog.pg_extension UNION SELECT name FROM pg_catalog.pg_available_extension_versions
    WHERE trusted OR NOT superuser) AS known (name)), '[]'));`

type Answer = Omit<ServerRules, 'user'> & {
  readonly superuser: boolean
  readonly knownExtensions: readonly string[]
}

/**
 * With whose rights a dump is restored into the copy `name`. `SET ROLE` is no limit, since SQL in the dump can reset it:
 * only a session of another login is. So a superuser creates one for the copy, unless the dump needs a superuser.
 */
export async function restoreRights(
  server: Server,
  dump: Dump,
  name: string,
  scope: Scope,
): Promise<RestoreRights> {
  const { database, host } = server
  const rules = { database: database.name, doing: `read the rights of ${database.user}`, script: rulesQuery }
  const [answer] = await records(server, rules, scope)
  const { superuser, knownExtensions, ...known } = answer as unknown as Answer
  const user = { role: database.user, server: host, superuser }
  if (!superuser) return { ...user, because: [] }
  const because = await whySuperuser(
    server,
    dump,
    name,
    { known: { ...known, user: database.user }, knownExtensions },
    scope,
  )
  return because.length > 0
    ? { ...user, because }
    : { role: partialName(name), server: host, superuser: false, because: [] }
}

async function whySuperuser(
  server: Server,
  dump: Dump,
  name: string,
  { known, knownExtensions }: { readonly known: ServerRules; readonly knownExtensions: readonly string[] },
  scope: Scope,
): Promise<readonly string[]> {
  const { database } = server
  if (database.via.kind === 'throwaway') return ['the throwaway server is removed with all that it holds']
  if (database.restoreAs === 'user') return ["the target says so (database.restoreAs is 'user')"]
  if (name === database.name)
    return ['a restore in place drops and creates objects of the live database, whoever owns them']
  const entries = await entriesOf(server, dump, scope)
  const needs = [
    ...superuserNeeds(entries, known),
    ...extensionsIn(entries).flatMap((extension) =>
      knownExtensions.includes(extension.name)
        ? []
        : [`extension ${extension.name}, which is not trusted and not in ${database.name}`],
    ),
  ]
  if (needs.length > 0) return [`the dump has ${listed(needs)}`]
  const refusal = await refusesLogin(server, partialName(name), partialName(name), scope)
  return refusal === null ? [] : [`${server.host} does not let a role of the run log in: ${refusal}`]
}

const most = 5

const listed = (needs: readonly string[]): string =>
  [
    ...needs.slice(0, most),
    ...(needs.length > most ? [`${needs.length - most} more such objects`] : []),
  ].join(', ')
