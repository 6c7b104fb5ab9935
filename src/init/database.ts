import { usualDataFolders } from '../model/postgres-data.ts'
import { connectionsOf } from './connections.ts'
import type { ServiceFacts } from './facts.ts'
import { connectionsTo, kindOf, reachOf } from './roles.ts'
import { mountOf } from './sqlite.ts'

export type PostgresChoice = {
  readonly service: ServiceFacts
  readonly name: string
  readonly user: string
  /** All databases that applications name, without `name`. */
  readonly others: readonly string[]
  /** Why the name or the user is not certain; null if it is. */
  readonly guessed: string | null
}

/** The Postgres servers of a project, each with the database that matters. */
export function postgresIn(services: readonly ServiceFacts[]): readonly PostgresChoice[] {
  return services.flatMap((service) => {
    const kind = kindOf(service)
    return kind?.is === 'postgres' ? [choiceOf(service, services, kind.vendor)] : []
  })
}

/** Databases that are not supported, as `SERVICE: ENGINE`. */
export const unsupportedIn = (
  services: readonly ServiceFacts[],
): readonly { readonly service: string; readonly engine: string }[] =>
  services.flatMap((service) => {
    const kind = kindOf(service)
    return kind?.is === 'other-database' ? [{ service: service.name, engine: kind.engine }] : []
  })

/** Databases outside the project that its services name, as `HOST/NAME`. */
export function elsewhere(services: readonly ServiceFacts[]): readonly string[] {
  const own = new Set(services.flatMap(({ hosts }) => hosts))
  const all = services.flatMap(connectionsOf).filter(({ host, name }) => name !== null && !own.has(host))
  return [...new Set(all.map(({ host, name }) => `${host}/${name ?? ''}`))].toSorted()
}

/** The data folder of a server that a new container begins without; null where a mount holds it. */
export function unkeptDataOf(service: ServiceFacts): string | null {
  const kind = kindOf(service)
  if (kind?.is !== 'postgres') return null
  const folder = named(service.environment, 'PGDATA') ?? usualDataFolders[kind.vendor]
  return mountOf(folder, service.mounts) === null ? folder : null
}

function choiceOf(
  service: ServiceFacts,
  services: readonly ServiceFacts[],
  vendor: 'official' | 'bitnami',
): PostgresChoice {
  const { user, declared, guessed: role } = vendor === 'bitnami' ? bitnami(service) : official(service)
  const reach = reachOf(service, services)
  const used = services.flatMap((one) =>
    kindOf(one)?.is === 'tool'
      ? []
      : [...new Set(connectionsTo(one, service, reach).flatMap(({ name }) => name ?? []))],
  )
  const byUse = mostFrequent(used)
  const name = declared ?? byUse[0] ?? user
  const fits = byUse.length === 0 || byUse.includes(name)
  const chosen = fits ? name : (byUse[0] ?? name)
  const doubt = fits
    ? null
    : `${service.name} creates the database ${name}, but the applications name ${byUse.join(', ')}`
  return {
    service,
    name: chosen,
    user,
    others: byUse.filter((one) => one !== chosen),
    guessed: [role, doubt].filter((one) => one !== null).join('; ') || null,
  }
}

type Declared = { readonly user: string; readonly declared: string | null; readonly guessed: string | null }

/** Docker Official Image of Postgres: POSTGRES_USER is `postgres`, and POSTGRES_DB is the user, by default. */
function official({ environment }: ServiceFacts): Declared {
  const user = named(environment, 'POSTGRES_USER') ?? 'postgres'
  const unread = ['POSTGRES_USER', 'POSTGRES_DB'].filter((name) => isUnread(environment, name))
  return {
    user,
    declared: named(environment, 'POSTGRES_DB'),
    guessed: unread.length === 0 ? null : `cannot read the file of ${unread.join(' and ')}`,
  }
}

/**
 * bitnami/containers, postgresql: POSTGRESQL_USERNAME is `postgres` by default. With another user the superuser
 * is still `postgres`, and may log in with POSTGRESQL_POSTGRES_PASSWORD only.
 */
function bitnami({ environment }: ServiceFacts): Declared {
  const of = (name: string): string | null =>
    named(environment, `POSTGRESQL_${name}`) ?? named(environment, `POSTGRES_${name}`)
  const user = of('USERNAME') ?? of('USER') ?? 'postgres'
  return {
    user,
    declared: of('DATABASE') ?? of('DB'),
    guessed: user === 'postgres' ? null : `${user} of this image may not be able to create databases`,
  }
}

const named = (environment: ServiceFacts['environment'], name: string): string | null => {
  const value = environment[name]
  return value === undefined || value === '' ? null : value
}

const isUnread = (environment: ServiceFacts['environment'], name: string): boolean =>
  named(environment, name) === null && named(environment, `${name}_FILE`) !== null

function mostFrequent(names: readonly string[]): readonly string[] {
  const counts = Map.groupBy(names, (name) => name)
  return [...counts].toSorted(([, one], [, other]) => other.length - one.length).map(([name]) => name)
}
