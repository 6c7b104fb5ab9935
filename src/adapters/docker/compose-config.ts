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
}

/** @throws SyntaxError for text that is not JSON */
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
