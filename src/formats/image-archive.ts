import type { ArchivedImage } from '../drivers/images.ts'
import { isJson, type Json, type JsonObject } from '../kernel/json.ts'

/** What was read of a `docker save` file: the digest of each member, and the text of the small ones. */
export type ArchiveContents = {
  /** SHA-256 in hexadecimal, by the member's path. */
  readonly digests: ReadonlyMap<string, string>
  /** Link targets by path. Docker before version 25 stores a layer shared by two images as a link. */
  readonly links: ReadonlyMap<string, string>
  readonly texts: ReadonlyMap<string, string>
}

/**
 * The images of a `docker save` file, in the form before Docker 25 (`HASH.json`, `HASH/layer.tar`) or the OCI
 * layout since (`blobs/sha256/HASH`, `index.json`); both have a `manifest.json` (moby, image/tarexport; OCI
 * image-layout).
 * @throws Error naming what is missing or does not match
 */
export function imagesIn(contents: ArchiveContents): readonly ArchivedImage[] {
  const { digests, texts } = contents
  for (const [path, digest] of digests) {
    const stated = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(path)?.[1]
    if (stated !== undefined && stated !== digest)
      throw new Error(`digest mismatch in ${path}: its content does not match its name`)
  }
  const manifest = parsed(texts, 'manifest.json')
  if (!Array.isArray(manifest) || manifest.length === 0) throw new Error('no image in manifest.json')
  const named = manifestIds(texts)
  return (manifest as readonly JsonObject[]).map((entry) => {
    const config = text(entry['Config'], 'an image without Config')
    const digest = digestAt(contents, config)
    if (!config.includes(digest))
      throw new Error(`digest mismatch in ${config}: its content does not match its name`)
    checkLayers(contents, config, list(entry['Layers']))
    const tags = list(entry['RepoTags']).toSorted()
    return { ids: [...new Set([`sha256:${digest}`, ...(named.get(digest) ?? [])])], tags }
  })
}

/**
 * An uncompressed layer has the digest that the image configuration lists; a compressed one is named by its
 * own digest.
 */
function checkLayers(contents: ArchiveContents, config: string, layers: readonly string[]): void {
  const described = parsed(contents.texts, config) as JsonObject
  const diffIds = list((described['rootfs'] as JsonObject | undefined)?.['diff_ids'] ?? null)
  if (diffIds.length !== layers.length)
    throw new Error(`${config} lists ${diffIds.length} layers, but the file contains ${layers.length}`)
  for (const [index, layer] of layers.entries()) {
    const digest = digestAt(contents, layer)
    if (!layer.startsWith('blobs/') && `sha256:${digest}` !== diffIds[index])
      throw new Error(`digest mismatch in layer ${layer}: its content does not match its image`)
  }
}

function digestAt({ digests, links }: ArchiveContents, path: string): string {
  const target = links.get(path)
  const at = target === undefined ? path : new URL(target, `file:///${path}`).pathname.slice(1)
  const found = digests.get(at)
  if (found === undefined) throw new Error(`${path} is missing`)
  return found
}

/**
 * Digests of manifests and indexes, by the digest of their configuration: the containerd store uses them as
 * image ids.
 */
function manifestIds(texts: ReadonlyMap<string, string>): ReadonlyMap<string, readonly string[]> {
  const ids = new Map<string, string[]>()
  if (!texts.has('index.json')) return ids
  const follow = (descriptor: JsonObject, above: readonly string[]): void => {
    const digest = String(descriptor['digest'])
    const path = `blobs/${digest.replace(':', '/')}`
    if (above.includes(digest) || !texts.has(path)) return
    const body = parsed(texts, path) as JsonObject
    const config = (body['config'] as JsonObject | undefined)?.['digest']
    if (typeof config === 'string')
      ids.set(config.slice(7), [...(ids.get(config.slice(7)) ?? []), ...above, digest])
    for (const one of objects(body['manifests'])) follow(one, [...above, digest])
  }
  for (const one of objects((parsed(texts, 'index.json') as JsonObject)['manifests'])) follow(one, [])
  return ids
}

function parsed(texts: ReadonlyMap<string, string>, path: string): Json {
  const body = texts.get(path)
  if (body === undefined) throw new Error(`${path} is missing`)
  try {
    const value: unknown = JSON.parse(body)
    if (isJson(value)) return value
  } catch {
    // Reported below.
  }
  throw new Error(`${path} is not JSON`)
}

const objects = (value: Json | undefined): readonly JsonObject[] =>
  Array.isArray(value)
    ? (value as readonly Json[]).filter(
        (one): one is JsonObject => typeof one === 'object' && one !== null && !Array.isArray(one),
      )
    : []

function list(value: Json | undefined): readonly string[] {
  if (value === null || value === undefined) return []
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value
  throw new Error('manifest.json is malformed')
}

function text(value: Json | undefined, what: string): string {
  if (typeof value === 'string') return value
  throw new Error(`manifest.json has ${what}`)
}
