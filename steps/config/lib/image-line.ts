import { isAlias, isMap, isScalar, parseAllDocuments, type Document, type Scalar, type YAMLMap } from 'yaml'
import { RunbookError, sameJson, type Json } from '../../../src/index.ts'

/**
 * The line of a Compose file that sets the image of a service. It is located in the parsed file and edited in
 * the text, so that every other byte stays: comments, order, quotes, line ends. A line is edited only where
 * it sets the image of this service and no other.
 */
type ImageLine = {
  readonly text: string
  readonly document: Document.Parsed
  readonly scalar: Scalar & { readonly range: readonly [number, number, number] }
  readonly image: string
}

/**
 * @throws RunbookError `verification` where no line sets it, or the line has an anchor, an alias or a
 * variable
 */
export const imageIn = (body: Uint8Array, service: string): string => lineOf(body, service).image

/**
 * @throws RunbookError `verification` where no line sets it, or the line sets more than it; `usage` where
 * `image` is not an image name with a tag
 */
export function withImage(body: Uint8Array, service: string, image: string): Uint8Array {
  if (!/^[\w.-]+(?::\d+)?(?:\/[\w.-]+)*:\w[\w.-]{0,127}$/.test(image))
    throw new RunbookError('usage', `${JSON.stringify(image)} is not an image name with a tag`, {
      hint: 'write it as contextsafe/api:0.0.9',
    })
  const {
    text,
    document,
    scalar: {
      range: [from, to],
    },
    image: was,
  } = lineOf(body, service)
  if (was === image) return body
  const written = text.slice(from, to)
  const quote = /^["']/.exec(written)?.[0] ?? ''
  const edited = `${text.slice(0, from)}${quote}${image}${quote}${text.slice(to)}`
  const before = servicesIn(document)
  if (!sameJson(servicesIn(parsed(edited)), { ...before, [service]: { ...before[service], image } })) {
    throw refusal(
      `the image line of ${service} sets the image of another service too`,
      `give ${service} an image line of its own`,
    )
  }
  return new TextEncoder().encode(edited)
}

function lineOf(body: Uint8Array, service: string): ImageLine {
  const text = textOf(body)
  const document = parsed(text)
  const services = isMap(document.contents) ? document.contents.get('services', true) : undefined
  if (!isMap(services)) throw refusal('it has no services', 'check that it is a Compose file')
  const found = services.get(service, true)
  if (found === undefined)
    throw refusal(
      `service ${service} not found`,
      `its services: ${(services as YAMLMap).items.map(({ key }) => String(key)).join(', ')}`,
    )
  if (!isMap(found)) throw refusal(`the service ${service} is not a mapping`, `write it out in this file`)
  const image = found.get('image', true)
  if (image === undefined) {
    const built = found.has('build')
    throw refusal(
      `no line sets the image of ${service}`,
      built
        ? `it is built: add a line beside build: image: ${service}:VERSION`
        : `add an image line to ${service}`,
    )
  }
  if (isAlias(image))
    throw refusal(
      `the image of ${service} is set by an alias, *${image.source}`,
      `write the image of ${service} out`,
    )
  if (
    !isScalar(image) ||
    typeof image.value !== 'string' ||
    image.range === undefined ||
    image.range === null ||
    (image.type !== 'PLAIN' && image.type !== 'QUOTE_SINGLE' && image.type !== 'QUOTE_DOUBLE')
  ) {
    throw refusal(
      `the image of ${service} is not a string on one line`,
      `write it as image: ${service}:VERSION`,
    )
  }
  if (image.value.includes('$')) {
    throw refusal(
      `the image of ${service} is ${image.value}, which contains a variable`,
      'change that variable in the env file instead',
    )
  }
  if (image.anchor !== undefined)
    throw refusal(
      `the image of ${service} has the anchor &${image.anchor}, which other services may use`,
      `write the image of ${service} out without one`,
    )
  return { text, document, scalar: image as ImageLine['scalar'], image: image.value }
}

function textOf(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    throw refusal('it is not UTF-8 text', 'check that it is a Compose file')
  }
}

function parsed(text: string): Document.Parsed {
  const documents = parseAllDocuments(text, { merge: true })
  const [document] = documents
  if (!Array.isArray(documents) || document === undefined)
    throw refusal('it is empty', 'check that it is a Compose file')
  if (documents.length > 1)
    throw refusal(`it has ${documents.length} documents`, 'Compose reads one document per file')
  const [error] = document.errors
  if (error !== undefined)
    throw refusal(error.message.split('\n')[0] ?? 'it is malformed', 'correct it at that place')
  return document as Document.Parsed
}

/** With anchors, aliases and merges resolved, so that every effect of a line shows. */
function servicesIn(document: Document.Parsed): {
  readonly [name: string]: { readonly [key: string]: Json }
} {
  try {
    return (document.toJS() as { readonly services: ReturnType<typeof servicesIn> }).services
  } catch (thrown) {
    throw refusal(thrown instanceof Error ? thrown.message : String(thrown), 'correct its aliases')
  }
}

const refusal = (why: string, hint: string): RunbookError =>
  new RunbookError('verification', `cannot change the Compose file: ${why}`, { hint })
