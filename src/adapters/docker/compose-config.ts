import type { Mount } from '../../drivers/services.ts'
import { digestOf, type Json, type JsonObject } from '../../kernel/json.ts'

/** The part of a resolved Compose configuration that is used here. */
export type ComposeConfig = {
  readonly services: readonly string[]
  readonly digest: string
  /** The image reference in the files; null for a service that only has a `build` section. */
  image(service: string): string | null
  /**
   * The image name of a service that Compose builds if the image is missing; null for a service without
   * `build`.
   */
  builtImage(service: string): string | null
  /** Services that must run before it does; not those that are optional or have to have ended. */
  needs(service: string): readonly string[]
  /** What a container of the service would be created with. */
  creation(service: string): DeclaredCreation
  /** TCP ports of this machine that the files publish. */
  readonly published: readonly { readonly service: string; readonly port: number }[]
}

export type DeclaredCreation = {
  /** Without the variables of the image. */
  readonly environment: { readonly [name: string]: string }
  readonly mounts: readonly Mount[]
  readonly networks: readonly string[]
}

type Dependencies = {
  readonly [service: string]: { readonly condition?: string; readonly required?: boolean }
}

/** @throws SyntaxError for text that is not JSON */
export function parseConfig(text: string, project: string): ComposeConfig {
  const parsed = JSON.parse(text) as JsonObject
  const services = (parsed['services'] ?? {}) as { readonly [name: string]: JsonObject }
  return {
    services: Object.keys(services).sort(),
    digest: digestOf(parsed as Json),
    published: Object.entries(services).flatMap(([service, { ports }]) =>
      ((ports ?? []) as readonly DeclaredPort[]).flatMap(({ protocol = 'tcp', published }) =>
        protocol === 'tcp' ? portsIn(published).map((port) => ({ service, port })) : [],
      ),
    ),
    image: (service) =>
      typeof services[service]?.['image'] === 'string' ? services[service]['image'] : null,
    builtImage(service) {
      const { image, build } = services[service] ?? {}
      if (build === undefined) return null
      return typeof image === 'string' ? image : `${project}-${service}`
    },
    needs: (service) =>
      Object.entries((services[service]?.['depends_on'] ?? {}) as Dependencies).flatMap(
        ([name, { condition, required }]) =>
          required === false || condition === 'service_completed_successfully' ? [] : [name],
      ),
    creation(service) {
      const { environment, volumes, networks } = (services[service] ?? {}) as Service
      const nameOf = (kind: 'volumes' | 'networks', key: string): string =>
        (parsed[kind] as Named | undefined)?.[key]?.name ?? `${project}_${key}`
      return {
        environment: Object.fromEntries(
          Object.entries(environment ?? {}).flatMap(([name, value]) =>
            value === null ? [] : [[name, unescaped(value)]],
          ),
        ),
        mounts: (volumes ?? [])
          .flatMap(({ type, source, target }): readonly Mount[] => {
            if (source === undefined) return []
            if (type === 'volume') return [{ kind: 'volume', source: nameOf('volumes', source), target }]
            return type === 'bind' ? [{ kind: 'folder', source: unescaped(source), target }] : []
          })
          .toSorted(byTarget),
        networks: Object.keys(networks ?? {})
          .map((key) => nameOf('networks', key))
          .toSorted(),
      }
    },
  }
}

type DeclaredPort = { readonly protocol?: string; readonly published?: string | number }

/** More of one range are not listed. */
const mostPorts = 100

/** Compose (2.26) writes one port, or a range as `8000-8010`; nothing where Docker chooses the port. */
function portsIn(published: string | number | undefined): readonly number[] {
  const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(String(published ?? '')) ?? []
  if (first === undefined) return []
  const length = Math.min(mostPorts, Number(last) - Number(first) + 1)
  return Array.from({ length }, (_, index) => Number(first) + index)
}

export const byTarget = (one: Mount, other: Mount): number =>
  one.target < other.target ? -1 : Number(one.target > other.target)

/** What may differ between a service and its container though nothing was edited. */
export type Variation = { readonly image?: string; readonly dependsOn: readonly string[] }

/** A resolved configuration in which some services have another image and fewer dependencies. */
export function varied(text: string, variations: { readonly [service: string]: Variation }): string {
  const parsed = JSON.parse(text) as { readonly services?: { readonly [name: string]: JsonObject } }
  const services = Object.entries(parsed.services ?? {}).map(([name, service]) => {
    const variation = variations[name]
    if (variation === undefined) return [name, service]
    const { depends_on: all, ...rest } = service
    const kept = Object.entries((all ?? {}) as JsonObject).filter(([one]) =>
      variation.dependsOn.includes(one),
    )
    return [
      name,
      {
        ...rest,
        ...(variation.image === undefined ? {} : { image: variation.image }),
        ...(kept.length === 0 ? {} : { depends_on: Object.fromEntries(kept) }),
      },
    ]
  })
  return JSON.stringify({ ...parsed, services: Object.fromEntries(services) })
}

/** An entry of `env_file` in its long form. */
export type EnvironmentFile = JsonObject & { readonly path: string }
export type EnvironmentFiles = ReadonlyMap<string, readonly EnvironmentFile[]>

export function environmentFilesIn(text: string): EnvironmentFiles {
  const { services = {} } = JSON.parse(text) as {
    readonly services?: { readonly [name: string]: { readonly env_file?: readonly EnvironmentFile[] } }
  }
  return new Map(
    Object.entries(services).flatMap(([name, { env_file: files = [] }]) =>
      files.length === 0 ? [] : [[name, files] as const],
    ),
  )
}

const asking = 'paths'

/** A Compose file with texts as variables of a service, so that Compose expands them. */
export const asVariables = (texts: readonly string[]): string =>
  JSON.stringify({
    services: {
      [asking]: {
        image: asking,
        environment: Object.fromEntries(texts.map((text, index) => [`P${index}`, text])),
      },
    },
  })

/** The texts as Compose expanded them, by the text as written. */
export function expandedIn(answer: string, texts: readonly string[]): { readonly [written: string]: string } {
  const { environment } = parseConfig(answer, asking).creation(asking)
  return Object.fromEntries(texts.map((text, index) => [text, environment[`P${index}`] ?? text]))
}

/** Compose makes a path absolute before it expands it where it was told to leave variables as written. */
export const withPaths = (
  files: EnvironmentFiles,
  expanded: { readonly [written: string]: string },
): EnvironmentFiles =>
  new Map(
    [...files].map(([service, entries]) => [
      service,
      entries.map((entry) => {
        const path = expanded[entry.path] ?? entry.path
        const ownPart = path.slice(Math.max(0, entry.path.indexOf('$')))
        return { ...entry, path: ownPart.startsWith('/') ? ownPart : path }
      }),
    ]),
  )

/** Lines of `docker compose config --hash`, one per service: its name and its hash. */
export const hashesIn = (lines: string): ReadonlyMap<string, string> =>
  new Map(
    lines.split('\n').flatMap((line) => {
      const [service, hash] = line.trim().split(/\s+/)
      return service === undefined || hash === undefined ? [] : [[service, hash] as const]
    }),
  )

type Service = {
  readonly environment?: { readonly [name: string]: string | null }
  readonly volumes?: readonly { readonly type: string; readonly source?: string; readonly target: string }[]
  readonly networks?: { readonly [key: string]: unknown }
}

type Named = { readonly [key: string]: { readonly name?: string } }

/** `docker compose config` writes `$` as `$$`, so that its output is a Compose file again. */
const unescaped = (value: string): string => value.replaceAll('$$', () => '$')
