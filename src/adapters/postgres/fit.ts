import type { Dump, Fit } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { needsOf } from './archive/contents.ts'
import { entriesOf } from './dump-entries.ts'
import { refusedToOthers } from './limited/superuser-needs.ts'
import { maintenance, records } from './server/psql.ts'
import type { Server } from './server/server.ts'

const offers = `
SELECT json_build_object(
  'roles', (SELECT json_agg(rolname) FROM pg_catalog.pg_roles),
  'extensions', (SELECT json_agg(name) FROM pg_catalog.pg_available_extensions),
  'ownExtensions', (SELECT json_agg(DISTINCT name) FROM pg_catalog.pg_available_extension_versions WHERE trusted OR NOT superuser),
  'trustedLanguages', (SELECT json_agg(lanname) FROM pg_catalog.pg_language WHERE lanpltrusted),
  'superuser', (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user));`

type ServerOffers = {
  readonly roles: readonly string[]
  readonly extensions: readonly string[] | null
  /** Those that the owner of a database may create. */
  readonly ownExtensions: readonly string[] | null
  readonly trustedLanguages: readonly string[] | null
  readonly superuser: boolean
}

/** Missing owners matter only if the restore sets them: see ownership.ts. */
export async function fit(server: Server, dump: Dump, scope: Scope): Promise<Fit> {
  const [answer] = await records(
    server,
    {
      database: maintenance(server),
      doing: `read the roles and extensions of ${server.host}`,
      script: offers,
    },
    scope,
  )
  const { roles, extensions, ownExtensions, trustedLanguages, superuser } = answer as unknown as ServerOffers
  const entries = await entriesOf(server, dump, scope)
  const needs = needsOf(entries)
  const required = new Set([...needs.grantees, ...(superuser ? needs.owners : [])])
  const available = needs.extensions.filter((extension) => (extensions ?? []).includes(extension))
  return {
    needsSuperuser: superuser
      ? []
      : [
          ...available
            .filter((extension) => !(ownExtensions ?? []).includes(extension))
            .map((extension) => `extension ${extension}, which is not trusted`),
          ...refusedToOthers(entries, { trustedLanguages: trustedLanguages ?? [] }),
        ],
    missingRoles: [...required].filter((role) => !roles.includes(role)).toSorted(),
    missingExtensions: needs.extensions.filter((extension) => !(extensions ?? []).includes(extension)),
  }
}
