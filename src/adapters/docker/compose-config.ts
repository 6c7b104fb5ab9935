import { digestOf, type Json, type JsonObject } from '../../kernel/json.ts'

/** What matters of a resolved Compose configuration. */
export type ComposeConfig = {
  readonly services: readonly string[]
  readonly digest: string
  /** The reference that the files give; null for one that they only say how to build. */
  image(service: string): string | null
  /** The name of the image for a service that Compose would build where that is missing; null for one that is only fetched. */
  builtImage(service: string): string | null
}

/** @throws SyntaxError for what is no JSON */
export function parseConfig(text: string, project: string): ComposeConfig {
  const parsed = JSON.parse(text) as JsonObject
  const services = (parsed['services'] ?? {}) as { readonly [name: string]: JsonObject }
  return {
    services: Object.keys(services).sort(),
    digest: digestOf(parsed as Json),
    image: (service) =>
      typeof services[service]?.['image'] === 'string' ? services[service]['image'] : null,
    builtImage(service) {
      const { image, build } = services[service] ?? {}
      if (build === undefined) return null
      return typeof image === 'string' ? image : `${project}-${service}`
    },
  }
}
