import {
  cannot,
  readVariable,
  sha256,
  withoutVariable,
  withVariable,
  type JsonObject,
} from '../../../src/index.ts'
import { imageIn, withImage } from './image-line.ts'

/** One value in a configuration file, before and after. It is journaled, so it is never a secret. */
export type Line = JsonObject &
  ({ readonly variable: string } | { readonly service: string }) & {
    /** Null where an env file did not set the variable. */
    readonly from: string | null
    readonly to: string
  }

/** What to set: a variable of an env file, or the image of a service in a Compose file. */
export type Place = { readonly variable: string } | { readonly service: string }

export const nameOf = (place: Place): string =>
  'variable' in place ? place.variable : `image of ${place.service}`

export const valueOf = (body: Uint8Array, place: Place): string | null =>
  'variable' in place ? readVariable(body, place.variable) : imageIn(body, place.service)

/** The file with another value; every other byte stays. */
export function withLine(
  body: Uint8Array,
  place: Place,
  value: string | null,
  missing?: 'append' | 'refuse',
): Uint8Array {
  if ('variable' in place)
    return value === null
      ? withoutVariable(body, place.variable)
      : withVariable(body, place.variable, value, missing)
  if (value !== null) return withImage(body, place.service, value)
  throw cannot('remove', `the image of ${place.service}`, 'a Compose file has no line without one', {
    code: 'bug',
  })
}

/**
 * Refuses, before the first write, an edit that cannot be undone by its old value alone.
 * @throws RunbookError `preflight` where the old value would be written differently, or contains a password,
 * which must not be journaled
 */
export function requireReversible(
  body: Uint8Array,
  file: string,
  { from, ...place }: Line,
  after: Uint8Array,
): void {
  const name = nameOf(place as Place)
  const refuse = (why: string, hint: string): never => {
    throw cannot('set', `${name} in ${file}`, why, { code: 'preflight', hint })
  }
  if (from !== null && /:\/\/[^/\s]*@/.test(from))
    refuse(
      'its present value contains a password, which an undo would need in the journal',
      'edit it by hand',
    )
  if (sha256(withLine(after, place as Place, from)) !== sha256(body))
    refuse('its present value could not be restored byte for byte', `write it there as ${name}=${from ?? ''}`)
}
