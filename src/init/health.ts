import type { HttpAnswer, PublishedPort, ServiceFacts } from './facts.ts'
import { kindOf, shareNetwork } from './roles.ts'

export type HealthCandidate = {
  readonly service: string
  readonly url: string
  /** From the service's own health check, only a published port, or a path that is tried if the port has no page. */
  readonly from: 'healthcheck' | 'port' | 'usual'
}

export type Health = {
  readonly checks: readonly (
    | { readonly name: string; readonly url: string; readonly status?: number }
    | { readonly name: string; readonly service: string }
  )[]
  readonly guessed: string | null
}

/** Addresses at which this machine reaches a service, the best first. */
export function candidatesOf(service: ServiceFacts): readonly HealthCandidate[] {
  const probes = probedIn(service.healthcheck ?? [], service.hosts).flatMap(({ port, path, scheme }) => {
    const published = service.ports.find(({ target }) => target === port)
    return published === undefined ? [] : [addressOf(published, path, scheme)]
  })
  const ports = service.ports.filter(({ target }) => !notHttp.has(target))
  const at = (path: string): readonly string[] =>
    ports.map((port) => addressOf(port, path, tls.has(port.target) ? 'https' : 'http'))
  return [
    ...probes.map((url) => ({ service: service.name, url, from: 'healthcheck' as const })),
    ...at('/').map((url) => ({ service: service.name, url, from: 'port' as const })),
    ...usual.flatMap(at).map((url) => ({ service: service.name, url, from: 'usual' as const })),
  ]
}

/** Where applications often say that they are healthy. */
const usual = ['/health', '/healthz', '/api/health', '/up']

const tls = new Set([443, 8443])

/** Ports of databases, mail, SSH and the like. */
const notHttp = new Set([21, 22, 25, 53, 143, 389, 465, 587, 993, 1025, 2222, 3306, 5432, 5672, 6379, 27017])

const addressOf = ({ address, published }: PublishedPort, path: string, scheme: string): string =>
  new URL(`${scheme}://${address}:${published}${path}`).href

type Probe = { readonly scheme: string; readonly port: number; readonly path: string }

/** The addresses of its own that a health check fetches. A query may hold a token, so it is left out. */
function probedIn(test: readonly string[], hosts: readonly string[]): readonly Probe[] {
  const own = new Set(['localhost', '127.0.0.1', '0.0.0.0', '[::1]', '::1', ...hosts])
  return [
    ...test.join(' ').matchAll(/(https?):\/\/(\[[\da-f:]+\]|[\w.-]+)(?::(\d+))?(\/[\w./~%-]*)?/gi),
  ].flatMap(([, scheme = 'http', host = '', port, path = '/']) =>
    own.has(host.toLowerCase())
      ? [
          {
            scheme: scheme.toLowerCase(),
            port: port === undefined ? (scheme.toLowerCase() === 'https' ? 443 : 80) : Number(port),
            path,
          },
        ]
      : [],
  )
}

/** Writers first, then what passes requests to them: proxies, what depends on them, what is in their network. */
function frontsOf(writers: readonly string[], services: readonly ServiceFacts[]): readonly ServiceFacts[] {
  const own = services.filter(({ name }) => writers.includes(name))
  const before = services.flatMap((service) => {
    const rank = writers.includes(service.name) ? null : rankBefore(service, own)
    return rank === null ? [] : [{ service, rank }]
  })
  return [...own, ...before.toSorted((one, other) => one.rank - other.rank).map(({ service }) => service)]
}

const noFronts: readonly string[] = ['postgres', 'other-database', 'tool', 'cache', 'pooler']

function rankBefore(service: ServiceFacts, writers: readonly ServiceFacts[]): number | null {
  const is = kindOf(service)?.is
  if (is !== undefined && noFronts.includes(is)) return null
  if (Object.keys(service.dependsOn).some((name) => writers.some((one) => one.name === name))) return 0
  if (!writers.some((one) => shareNetwork(one, service))) return null
  return is === 'proxy' ? 1 : 2
}

/**
 * One check for each writer that can be reached; for the first service before them if none can; else the own checks of
 * the writers' containers.
 * @param answers what the candidates answered, if the stack runs; a port that did not answer is not HTTP
 */
export function healthOf(
  writers: readonly string[],
  services: readonly ServiceFacts[],
  answers: readonly HttpAnswer[],
): Health {
  const status = new Map(answers.map((answer) => [answer.url, answer.status]))
  const chosen = frontsOf(writers, services).flatMap((service) => {
    const all = candidatesOf(service)
    const answering = (wanted: readonly HealthCandidate['from'][], below: number) =>
      all.find(({ from, url }) => wanted.includes(from) && (status.get(url) ?? 500) < below)
    const best =
      answering(['healthcheck'], 500) ??
      answering(['port', 'usual'], 300) ??
      answering(['port'], 500) ??
      (service.running === true ? all.find(({ from }) => from === 'healthcheck') : all[0])
    return best === undefined ? [] : [{ ...best, status: status.get(best.url) }]
  })
  const ofWriters = chosen.filter(({ service }) => writers.includes(service))
  const used = ofWriters.length > 0 ? ofWriters : chosen.slice(0, 1)
  if (used.length === 0) {
    const own = services.filter((one) => writers.includes(one.name) && one.healthcheck !== null)
    return own.length > 0
      ? { checks: own.map(({ name }) => ({ name, service: name })), guessed: null }
      : {
          checks: [],
          guessed:
            'no published port answers HTTP, and no writer has a health check; name what proves that it is up',
        }
  }
  const doubtful = used.filter(({ from }) => from !== 'healthcheck').map(({ url }) => url)
  return {
    checks: used.map(({ service, url, status: answered }) => ({
      name: service,
      url,
      ...(answered === undefined || answered === 200 || answered >= 500 ? {} : { status: answered }),
    })),
    guessed:
      doubtful.length === 0
        ? null
        : `the path of ${doubtful.join(', ')}; name the one that proves that it is up`,
  }
}
