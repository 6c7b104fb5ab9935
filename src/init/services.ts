import { isFields, type JsonObject } from '../kernel/json.ts'
import type { ProjectContainer } from '../drivers/projects.ts'
import type { PublishedPort, ServiceFacts, ServiceMount } from './facts.ts'

type Fields = { readonly [name: string]: unknown }

/** The services of a resolved Compose document. */
export function servicesOf(
  document: JsonObject,
  containers: readonly ProjectContainer[],
): readonly ServiceFacts[] {
  const services = Object.entries(fields(document['services'])).map(
    ([name, given]) => [name, fields(given)] as const,
  )
  const byName = Map.groupBy(containers, ({ service }) => service)
  return services.map(([name, given]) => serviceOf(name, given, document, byName.get(name) ?? []))
}

function serviceOf(
  name: string,
  given: Fields,
  document: JsonObject,
  containers: readonly ProjectContainer[],
): ServiceFacts {
  const own = Object.entries(fields(given['networks']))
  const aliases = own.flatMap(([, network]) => words(fields(network)['aliases']))
  const { test, disable } = fields(given['healthcheck'])
  const shared = text(given['network_mode']) !== null
  const codes = containers.map(({ exitCode }) => exitCode)
  return {
    name,
    image: text(given['image']),
    base: null,
    built: given['build'] !== undefined,
    environment: environmentOf(given['environment']),
    words: [...words(given['entrypoint']), ...words(given['command'])],
    dependsOn: {
      ...Object.fromEntries(words(given['links']).map((link) => [link.split(':')[0] ?? link, ''])),
      ...Object.fromEntries(
        Object.entries(fields(given['depends_on'])).map(([one, how]) => [
          one,
          text(fields(how)['condition']) ?? '',
        ]),
      ),
    },
    hosts: [name, text(given['container_name']), text(given['hostname']), ...aliases].flatMap((host) =>
      host === null ? [] : [host.toLowerCase()],
    ),
    networks: shared ? null : own.map(([network]) => network),
    ports: portsOf(given['ports']),
    mounts: mountsOf(given['volumes'], fields(document['volumes'])),
    secrets: secretsOf(given['secrets'], fields(document['secrets'])),
    healthcheck:
      disable === true || words(test)[0] === 'NONE' || words(test).length === 0 ? null : words(test),
    profiles: words(given['profiles']),
    running: containers.length === 0 ? null : containers.some(({ running }) => running),
    exitCode: codes.find((code) => code !== null && code !== 0) ?? codes[0] ?? null,
  }
}

/** Whether a service leaves its health check to its image. */
export function usesCheckOfImage(document: JsonObject, service: string): boolean {
  const { test, disable } = fields(fields(fields(document['services'])[service])['healthcheck'])
  return disable !== true && words(test).length === 0
}

/** The folder and the file of a build on this machine; null for a service without one, or a remote one. */
export function buildOf(
  document: JsonObject,
  service: string,
): { readonly context: string; readonly dockerfile: string; readonly target: string | null } | null {
  const build = fields(fields(fields(document['services'])[service])['build'])
  const context = text(build['context'])
  if (context === null || !context.startsWith('/')) return null
  return { context, dockerfile: text(build['dockerfile']) ?? 'Dockerfile', target: text(build['target']) }
}

/** The image of the stage that a Dockerfile ends with, or of the named one; null if that is unknown. */
export function baseImageIn(dockerfile: string, target: string | null): string | null {
  const stages = [...dockerfile.matchAll(/^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?\s*$/gim)].map(
    ([, from = '', name]) => ({ from, name: name?.toLowerCase() }),
  )
  let at = target === null ? stages.length - 1 : stages.findIndex(({ name }) => name === target.toLowerCase())
  for (let stage = stages[at]; stage !== undefined; stage = stages[at]) {
    const { from } = stage
    // A stage can only start from an earlier one.
    const earlier = stages.slice(0, at).findLastIndex(({ name }) => name === from.toLowerCase())
    if (earlier === -1) return from.includes('$') ? null : from
    at = earlier
  }
  return null
}

const fields = (value: unknown): Fields => (isFields(value) ? value : {})

const text = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? unescaped(value) : null

const words = (value: unknown): readonly string[] =>
  typeof value === 'string'
    ? [unescaped(value)]
    : Array.isArray(value)
      ? value.filter((one) => typeof one === 'string').map(unescaped)
      : []

/** Compose prints a literal dollar twice. */
const unescaped = (value: string): string => value.replaceAll('$$', '$')

const environmentOf = (given: unknown): { readonly [name: string]: string } =>
  Object.fromEntries(
    Object.entries(fields(given)).flatMap(([name, value]) =>
      value === null || value === undefined ? [] : [[name, unescaped(String(value))]],
    ),
  )

function portsOf(given: unknown): readonly PublishedPort[] {
  if (!Array.isArray(given)) return []
  return given.map(fields).flatMap(({ published, target, protocol, host_ip: address }) => {
    // A range is published on whichever port is free.
    const port = Number(published)
    if (!Number.isInteger(port) || port < 1 || typeof target !== 'number' || protocol === 'udp') return []
    return [{ published: port, target, address: reachable(typeof address === 'string' ? address : '') }]
  })
}

function reachable(address: string): string {
  if (address === '' || address === '0.0.0.0') return '127.0.0.1'
  if (address === '::') return '[::1]'
  return address.includes(':') ? `[${address}]` : address
}

function mountsOf(given: unknown, volumes: Fields): readonly ServiceMount[] {
  if (!Array.isArray(given)) return []
  return given.map(fields).flatMap(({ type, source, target }): readonly ServiceMount[] => {
    if (typeof source !== 'string' || typeof target !== 'string') return []
    if (type === 'bind') return [{ kind: 'folder', source: unescaped(source), target: unescaped(target) }]
    if (type !== 'volume') return []
    return [
      {
        kind: 'volume',
        source: text(fields(volumes[source])['name']) ?? source,
        target: unescaped(target),
      },
    ]
  })
}

const secretsOf = (given: unknown, all: Fields): { readonly [name: string]: string | null } =>
  Object.fromEntries(
    (Array.isArray(given) ? given : []).flatMap((one) => {
      const source = text(fields(one)['source'])
      return source === null ? [] : [[source, text(fields(all[source])['file'])]]
    }),
  )
