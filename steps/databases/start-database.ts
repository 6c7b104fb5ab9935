import {
  cannot,
  composeLine,
  dataVolumeFindings,
  defineStep,
  downOf,
  isPending,
  say,
  type DatabaseInService,
  type Finding,
  type Look,
  type ServiceGroup,
  type ServiceState,
} from '../../src/index.ts'
import { isActive } from '../services/lib/active.ts'
import { until } from '../services/lib/until.ts'

export { runsInService, type DatabaseInService } from '../../src/index.ts'

type Input = { readonly database: DatabaseInService }
type Before = { readonly state: ServiceState['state'] }

/** How long a server may take to start and replay its log, in seconds. */
const patience = 300

/** For a clean shutdown, which writes what is only in memory. Seconds. */
const shutdown = 60

/**
 * Starts the service of a database if it is stopped, and waits until the server answers. What preflight asks of
 * the server for later steps is asked again then. Undone by stopping it, if this run has started it and nobody
 * else uses it: other runs, or an application that was waiting for it.
 */
export const startDatabase = defineStep<Input, { readonly service: string }, Before>({
  kind: 'databases.start',
  leaves: ['processes', 'containers'],
  version: 1,
  effect: 'change',
  alsoChanges: ({ database }) => (isPending(database) ? null : []),
  timeoutSeconds: 900,
  brings: ({ database }) =>
    isPending(database) ? [] : [`${database.via.stack.project}/${database.via.service}`],
  describe: ({ database }) =>
    isPending(database)
      ? 'Starts the service of the database if it is stopped, and waits until it answers.'
      : say`Starts ${database.via.service} if it is stopped, and waits until it answers.`,
  preflight: async (look, { database }) => {
    if (isPending(database)) return []
    const { stack, service } = database.via
    const refuse = (problem: string, command: string): readonly Finding[] => [
      {
        level: 'refuse',
        about: service,
        problem,
        hint: composeLine(stack, `${command} ${service}`),
      },
    ]
    const { state } = await stateOf(look, database)
    const volumes = (await dataVolumeFindings(look, database)).flatMap(({ is, finding }) =>
      // A start keeps the container, and with it the data that only it has.
      is === 'unkept' ? [] : [finding],
    )
    if (state === 'missing' && volumes.length === 0)
      return refuse(`${service} has no container to start`, 'create')
    return state === 'paused' ? [...refuse(`${service} is paused`, 'unpause'), ...volumes] : volumes
  },
  survey: async (look, { database }) => ({ state: (await stateOf(look, database)).state }),
  predict: ({ input: { database }, before }) => ({
    output: isPending(database) ? null : { service: database.via.service },
    changes:
      before === undefined || isPending(database) || isActive(before)
        ? []
        : [`${database.via.service} is ${before.state}: it is started, and the run waits until it answers`],
  }),
  run: async (io, { input: { database } }) => {
    const { service } = database.via
    const { state } = await stateOf(io, database)
    // A new container could have new, empty volumes.
    if (state === 'missing') throw notUp(database, 'its container is gone')
    if (!isActive({ state })) await io.services.start(serviceOf(database))
    io.note(`waiting until ${service} answers`)
    const answer = await until(io, patience, async () => {
      if (await answers(io, database)) return true
      const now = await stateOf(io, database)
      if (isActive(now)) return null
      throw notUp(database, `it stopped again${exitOf(now)}`)
    })
    if (answer === null) throw notUp(database, `it does not answer after ${patience} s`)
    return { service }
  },
  probe: async (look, { input: { database }, before, way }) => {
    const now = await stateOf(look, database)
    if (way === 'forward')
      return isActive(now) && (await answers(look, database))
        ? { is: 'done', output: { service: database.via.service } }
        : { is: 'absent' }
    const ours = isActive(now) && !isActive(before) && (await users(look, database)) === 0
    return ours ? { is: 'done', output: { service: database.via.service } } : { is: 'absent' }
  },
  // It stops a server that nobody else uses, and replaces nothing.
  undoGuards: () => [],
  undo: async (io, { input: { database }, before }) => {
    if (isActive(before) || (await users(io, database)) > 0) return
    await io.services.stop(serviceOf(database), shutdown)
  },
  remains: async (look, { input: { database }, before }) => {
    if (isActive(before) || !isActive(await stateOf(look, database))) return []
    const count = await users(look, database)
    return [
      `${database.via.service}, which was stopped before this run, is left running: ${count} ${count === 1 ? 'session uses' : 'sessions use'} it`,
    ]
  },
})

const serviceOf = ({ via: { stack, service } }: DatabaseInService): ServiceGroup => ({
  stack,
  names: [service],
})

async function stateOf(look: Look, database: DatabaseInService): Promise<ServiceState> {
  const [state] = await look.services.states(serviceOf(database))
  if (state === undefined)
    throw cannot('find', `the service ${database.via.service}`, 'no state', { code: 'failed' })
  return state
}

async function answers(look: Look, database: DatabaseInService): Promise<boolean> {
  try {
    await look.databases.exists(database, database.name)
    return true
  } catch (thrown) {
    if (downOf(thrown) === undefined) throw thrown
    return false
  }
}

/** Where locks of runs are held, besides the live database. */
const maintenance = 'postgres'

/** How many sessions of others use the server; none where it does not answer. */
async function users(look: Look, database: DatabaseInService): Promise<number> {
  try {
    const names = [...new Set([database.name, maintenance])]
    const sessions = await Promise.all(names.map((name) => look.databases.sessions(database, name)))
    return sessions.flat().filter(({ application }) => !application.includes(look.run.id)).length
  } catch (thrown) {
    if (downOf(thrown) === undefined) throw thrown
    return 0
  }
}

const exitOf = ({ instances }: ServiceState): string => {
  const code = instances[0]?.exitCode ?? null
  return code === null ? '' : ` with exit code ${code}`
}

const notUp = ({ via: { stack, service } }: DatabaseInService, why: string) =>
  cannot('start', `${service} of ${stack.project}`, why, {
    code: 'failed',
    hint: `look at its log: ${composeLine(stack, `logs ${service}`)}`,
  })
