import { connectionsOf, type Connection } from './connections.ts'
import { imageKind, type ImageKind } from './images.ts'
import type { ServiceFacts } from './facts.ts'

/** What a service is by its image, else by the image that it is built from, else by its variables. */
export function kindOf(service: ServiceFacts): ImageKind | null {
  const { image, base, built } = service
  const own = image === null ? null : imageKind(image)
  if (own?.is === 'postgres' && startsOther(service)) return takesDumps(service) ? { is: 'tool' } : null
  if (own !== null && !(built && own.is === 'tool')) return own
  const below = base === null ? null : imageKind(base)
  if (below !== null && below.is !== 'proxy') return below
  return startsPostgres(service) ? { is: 'postgres', vendor: 'official', major: null } : null
}

/**
 * Uses the image of Postgres for another program, as what takes the nightly dumps does, or an application that needs psql.
 * The entrypoint of the official image starts the server only for `postgres` and for options of it
 * (docker-library/postgres, docker-entrypoint.sh); a script of one's own may start it where the data is.
 */
function startsOther({ words, mounts }: ServiceFacts): boolean {
  const [first] = words
  const command = words.join(' ')
  if (
    first === undefined ||
    /^(?:-|(?:\S*\/)?postgres$|\S*docker-(?:entrypoint|ensure-initdb)\.sh)/.test(first)
  )
    return false
  if (/docker-(?:entrypoint|ensure-initdb)\.sh|\bexec\s+postgres\b/.test(command)) return false
  return clients.test(command) || !mounts.some(({ target }) => holdsData(target))
}

const clients = /\b(?:psql|pg_dump|pg_dumpall|pg_basebackup|pg_restore|pg_recvlogical|pg_receivewal)\b/

const holdsData = (target: string): boolean => /^\/var\/lib\/postgresql(?:\/|$)/.test(target)

const takesDumps = ({ words }: ServiceFacts): boolean =>
  words.some((word) => /\b(?:pg_dump|pg_dumpall|pg_basebackup|pg_recvlogical|pg_receivewal)\b/.test(word))

/** An image of one's own that initialises itself as the official one does. */
const startsPostgres = ({ environment, mounts }: ServiceFacts): boolean =>
  Object.keys(environment).some((name) => /^POSTGRES_(?:PASSWORD(?:_FILE)?|HOST_AUTH_METHOD)$/.test(name)) &&
  mounts.some(({ target }) => holdsData(target))

/** Services that only run once, such as migrations: others wait for their end, or they have ended well. */
export function oneOffs(services: readonly ServiceFacts[]): ReadonlySet<string> {
  const awaited = services.flatMap(({ dependsOn }) =>
    Object.entries(dependsOn)
      .filter(([, condition]) => condition === 'service_completed_successfully')
      .map(([name]) => name),
  )
  const anyRuns = services.some(({ running }) => running === true)
  const ended = services
    .filter(({ running, exitCode }) => anyRuns && running === false && exitCode === 0)
    .map(({ name }) => name)
  return new Set([...awaited, ...ended])
}

/** Services that belong to a profile that is not in use. */
export const isIdle = ({ profiles, running }: ServiceFacts, active: readonly string[]): boolean =>
  profiles.length > 0 && running !== true && !profiles.some((profile) => active.includes(profile))

export const shareNetwork = (one: ServiceFacts, other: ServiceFacts): boolean =>
  one.networks === null ||
  other.networks === null ||
  one.networks.some((network) => other.networks?.includes(network) === true)

/** How services reach a database: under its own names, and through the poolers before it. */
export type Reach = {
  readonly hosts: ReadonlySet<string>
  /** The database and its poolers. */
  readonly services: ReadonlySet<string>
}

export function reachOf(database: ServiceFacts, services: readonly ServiceFacts[]): Reach {
  const found = [database]
  for (let before = 0; before < found.length;) {
    before = found.length
    for (const service of services)
      if (
        !found.includes(service) &&
        kindOf(service)?.is === 'pooler' &&
        found.some((one) => connectsTo(service, one) || Object.hasOwn(service.dependsOn, one.name))
      )
        found.push(service)
  }
  return {
    hosts: new Set(found.flatMap(({ hosts }) => hosts)),
    services: new Set(found.map(({ name }) => name)),
  }
}

const connectsTo = (service: ServiceFacts, other: ServiceFacts): boolean =>
  shareNetwork(service, other) && connectionsOf(service).some(({ host }) => other.hosts.includes(host))

/** The connections of a service to a database. */
export function connectionsTo(
  service: ServiceFacts,
  database: ServiceFacts,
  reach: Reach,
): readonly Connection[] {
  if (service.name === database.name || !shareNetwork(service, database)) return []
  const local = (host: string): boolean =>
    service.networks === null &&
    database.ports.length > 0 &&
    /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(host)
  return connectionsOf(service).filter(({ host }) => reach.hosts.has(host) || local(host))
}
