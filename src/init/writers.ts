import type { ServiceFacts } from './facts.ts'
import { connectionsTo, isIdle, kindOf, oneOffs, reachOf, shareNetwork } from './roles.ts'

export type Writers = {
  readonly names: readonly string[]
  /** Why a name is not certain; null if all are. */
  readonly guessed: string | null
}

type Sign = 'connection' | 'dependency' | 'secret'

/**
 * The services that write to a database. One too many is stopped without need, one too few writes into data
 * that is about to be replaced, so what merely depends on the database counts.
 */
export function writersOf(
  database: ServiceFacts,
  services: readonly ServiceFacts[],
  { name, profiles }: { readonly name: string; readonly profiles: readonly string[] },
): Writers {
  const reach = reachOf(database, services)
  const once = oneOffs(services)
  const able = services.filter(
    (one) =>
      !reach.services.has(one.name) &&
      !once.has(one.name) &&
      !isIdle(one, profiles) &&
      shareNetwork(one, database) &&
      !passive.includes(kindOf(one)?.is ?? ''),
  )
  const signOf = (service: ServiceFacts): Sign | null => {
    const connections = connectionsTo(service, database, reach)
    if (connections.length > 0)
      return connections.every((one) => one.name !== null && one.name !== name) ? null : 'connection'
    if (Object.keys(service.dependsOn).some((one) => reach.services.has(one))) return 'dependency'
    return Object.keys(service.secrets).some((one) => Object.hasOwn(database.secrets, one)) ? 'secret' : null
  }
  const applications = able.filter((one) => kindOf(one)?.is !== 'tool')
  const found = applications.flatMap((one) => {
    const sign = signOf(one)
    return sign === null ? [] : [{ name: one.name, sign }]
  })
  if (found.length > 0) return written(found, database.name)
  const built = applications.filter((one) => one.built)
  const near = built.length > 0 ? built : applications
  if (near.length > 0)
    return {
      names: namesOf(near),
      guessed: `no service names ${database.name}; ${namesOf(near).join(', ')}: in a network with it`,
    }
  const tools = able.filter((one) => kindOf(one)?.is === 'tool' && signOf(one) !== null)
  return {
    names: namesOf(tools),
    guessed:
      tools.length > 0
        ? `only a person writes with ${namesOf(tools).join(', ')}`
        : `no service of this stack seems to use ${database.name}`,
  }
}

/** Services of these kinds never write to a Postgres database. */
const passive: readonly string[] = ['postgres', 'other-database', 'pooler', 'proxy', 'cache']

function written(
  found: readonly { readonly name: string; readonly sign: Sign }[],
  database: string,
): Writers {
  const doubtful = found.filter(({ sign }) => sign !== 'connection').map(({ name }) => name)
  return {
    names: namesOf(found),
    guessed:
      doubtful.length === 0
        ? null
        : `${doubtful.join(', ')}: depends on ${database}, but no variable names it`,
  }
}

const namesOf = (all: readonly { readonly name: string }[]): readonly string[] =>
  all.map(({ name }) => name).toSorted()
