import type { PostgresDatabase } from '../../drivers/databases.ts'
import { canonical, isFields, type Json } from '../../kernel/json.ts'

/**
 * Whether a value has the address of a database server that is not the run's own throwaway. Addresses are not
 * compared, since parts of them may be masked in the journal.
 */
export const holdsAddress = (value: Json): boolean =>
  objectsIn(value).some((one) => 'via' in one && !isThrowaway(one['via']))

/** Whether a value has a Compose stack, whose services run in Docker. */
export const holdsComposeStack = (value: Json): boolean =>
  objectsIn(value).some(({ kind, project }) => kind === 'compose' && project !== undefined)

/** The Postgres servers whose complete addresses a value has, except throwaways of the run. */
export const serversIn = (value: Json): readonly PostgresDatabase[] =>
  objectsIn(value).flatMap((one) => (isServer(one) ? [withoutLogin(one as unknown as PostgresDatabase)] : []))

/** The databases with one for each server: the last. */
export const onePerServer = (databases: readonly PostgresDatabase[]): readonly PostgresDatabase[] => [
  ...new Map(databases.map((database) => [canonical(database.via), database])).values(),
]

type Fields = { readonly [name: string]: unknown }

function objectsIn(value: unknown): readonly Fields[] {
  if (typeof value !== 'object' || value === null) return []
  return [...(isFields(value) ? [value] : []), ...Object.values(value).flatMap(objectsIn)]
}

const isThrowaway = (via: unknown): boolean => isFields(via) && via['kind'] === 'throwaway'

function isServer({ engine, name, user, via }: Fields): boolean {
  if (engine !== 'postgres' || typeof name !== 'string' || typeof user !== 'string' || !isFields(via))
    return false
  const { kind, host, port, stack, service } = via
  const complete =
    (kind === 'server' && typeof host === 'string' && typeof port === 'number') ||
    (kind === 'compose' && isFields(stack) && typeof service === 'string')
  // A masked part leads nowhere.
  return complete && !canonical({ user, via } as Json).includes('[redacted')
}

/** A container's own socket lists all sessions, and answers where a login is refused. */
function withoutLogin(database: PostgresDatabase): PostgresDatabase {
  if (database.via.kind !== 'compose') return database
  const { login: _login, ...via } = database.via
  return { ...database, via }
}
