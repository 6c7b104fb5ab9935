import {
  bringUpLine,
  servicesBehind,
  type Finding,
  type HealthCheck,
  type Look,
  type OwnHealthCheck,
  type PlanFacts,
  type ServiceState,
} from '../../../src/index.ts'

/** An address that a step asks, or a service whose own check it reads. */
type Asked = Pick<HealthCheck, 'name' | 'url'> | OwnHealthCheck

type Behind = Pick<ServiceState, 'service' | 'state' | 'health'> & { readonly port?: number }

type Looking = Pick<Look, 'services' | 'http'>

/** Timeout of one request, in seconds. */
const requestTimeout = 5

/**
 * Refuses checks that would fail at the end of the run because no step starts the services behind them. What cannot be
 * read here, other steps report.
 */
export async function reachableFindings(
  look: Looking,
  plan: PlanFacts,
  asked: readonly Asked[],
): Promise<readonly Finding[]> {
  // Before any effect, the check itself says so just as early.
  if (!plan.effectBefore) return []
  const found = await Promise.all(asked.map((one) => findingsFor(look, plan, one).catch(() => [])))
  return found.flat()
}

async function findingsFor(look: Looking, plan: PlanFacts, asked: Asked): Promise<readonly Finding[]> {
  const behind = await servicesOf(look, plan, asked)
  const down = behind.filter((state) => whyDown(state, asked) !== null)
  if (down.length === 0 || down.length < behind.length || (await answers(look, asked))) return []
  const starter = down.map(({ service }) => plan.starterOf(service)).find((title) => title !== null)
  const problem = `${asked.name}: ${down.map((state) => `${nameOf(state)} ${whyDown(state, asked)}`).join('; ')}`
  if (starter !== undefined)
    return [
      {
        level: 'warn',
        about: asked.name,
        problem: `${problem} now`,
        hint: `nothing: "${starter}" starts it`,
      },
    ]
  return [
    {
      level: 'refuse',
      about: asked.name,
      problem: `${problem}, and no step of this run starts it: the run would fail at this check and roll back`,
      hint: down.map((state) => cureFor(plan, state)).join('; or: '),
    },
  ]
}

const servicesOf = (look: Looking, { stack }: PlanFacts, asked: Asked): Promise<readonly Behind[]> =>
  'service' in asked
    ? look.services.states(asked.service)
    : stack === null
      ? Promise.resolve([])
      : servicesBehind(look, stack, asked)

const nameOf = ({ service, port }: Behind): string =>
  port === undefined ? service : `${service}, which publishes port ${port},`

/** Null where it is up, or may come up by itself: what restarts may wait for a service that the run starts. */
function whyDown({ state, health }: Behind, asked: Asked): string | null {
  if (state === 'running' && 'service' in asked && health === 'none')
    return 'runs, but has no health check of its own'
  return state === 'running' || state === 'restarting' ? null : `is ${state}`
}

/** Something else may serve the address, such as a proxy of this machine. */
const answers = (look: Looking, asked: Asked): Promise<boolean> =>
  'service' in asked
    ? Promise.resolve(false)
    : look.http.get(asked.url, { timeoutSeconds: requestTimeout, bearer: null }).then(
        () => true,
        () => false,
      )

function cureFor({ stack }: PlanFacts, { service, state }: Behind): string {
  if (state === 'running')
    return `give ${service} a healthcheck in the Compose file, or check an address (url)`
  return stack?.kind === 'compose'
    ? `${bringUpLine(stack, service, state)}; then start again`
    : `start ${service}; then start again`
}
