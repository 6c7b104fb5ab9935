import { posix } from 'node:path'
import { z } from 'zod'
import { isJson, type Json, type JsonObject } from '../../kernel/json.ts'
import { nearest } from '../../kernel/did-you-mean.ts'
import { bytes, seconds } from './quantities.ts'
import { secret, type SecretSource } from './secret.ts'

/** The types of values that sections consist of, each with the message for an invalid one. */

type RawShape = { readonly [key: string]: z.ZodType }

/** An object that refuses unknown keys, with the closest known key in the message. */
export function strict<const S extends RawShape>(shape: S): z.ZodObject<S, z.core.$strict> {
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined
      return issue.keys
        .map(
          (key) =>
            `unknown setting "${key}"${nearest(key, Object.keys(shape), (found) => `; did you mean "${found}"?`)}`,
        )
        .join('; ')
    },
  })
}

/** A text or number parsed by a function; its error message becomes the issue. */
function read<T>(parse: (value: string | number) => T): z.ZodType<T, string | number> {
  return z
    .union([z.string(), z.number()], { error: 'expected a string or a number' })
    .transform((value, context) => {
      try {
        return parse(value)
      } catch (thrown) {
        context.addIssue({ code: 'custom', message: (thrown as Error).message })
        return z.NEVER
      }
    })
}

export const duration = read(seconds).meta({ type: 'Duration' })
export const size = read(bytes).meta({ type: 'Size' })
export const text = z.string().min(1, 'expected a non-empty string')
export const texts = z.array(text).readonly()
export const words = z.array(text).min(1, 'expected a program and its arguments').readonly()
export const variables = z.record(text, z.string())
export const services = z.array(text).min(1, 'expected at least one service').readonly()
const carriesCredentials = (url: string): boolean =>
  URL.canParse(url) && `${new URL(url).username}${new URL(url).password}` !== ''
/** Plans and messages show addresses, so a password in one would be in all evidence. */
export const address = z
  .url({ protocol: /^https?$/, error: 'expected an http or https address' })
  .refine(
    (url) => !carriesCredentials(url),
    "expected an address without user and password; put `Basic BASE64`, the base64 of USER:PASSWORD, into a secret and name it as the bearer: secret('VARIABLE')",
  )
/** As `address`, for a setting that may itself be a secret. */
export const openAddress = z
  .url({ protocol: /^https?$/ })
  .refine(
    (url) => !carriesCredentials(url),
    "expected an address without user and password; name the address as a secret: secret('VARIABLE')",
  )
export const variableName = z.string().regex(/^[A-Za-z_]\w*$/, 'expected the name of a variable')
/** Absolute and normalised: in a container a relative path has no defined start. */
export const isPathInside = (path: string): boolean =>
  path.startsWith('/') && posix.normalize(path) === path && !path.endsWith('/')
export const nonNegative = z.int().min(0)
export const json = z
  .custom<Json>(
    (value) => value !== undefined && isJson(value),
    'expected JSON: text, numbers, true, false, null, lists and plain objects',
  )
  .meta({ type: 'Json' })
export const jsonObject = z
  .custom<JsonObject>(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value) && isJson(value),
    'expected a plain object of JSON values',
  )
  .meta({ type: 'JsonObject' })
/** Dotted paths in a JSON body or a parsed file, and the values expected there. */
export const expectedValues = z.record(text, json)
export const oneOf = <const T extends string>(...values: readonly [T, ...T[]]): z.ZodType<T, T> =>
  z.enum(values, {
    error: (issue) => `${JSON.stringify(issue.input)} is not one of ${values.join(', ')}`,
  }) as unknown as z.ZodType<T, T>

export const secretHandle = z
  .union(
    [
      strict({ secret: text, from: z.union([strict({ env: text }), strict({ file: text })]) }),
      strict({ env: text }),
      strict({ file: text }),
    ],
    { error: "expected secret('VARIABLE') or secret({ file: 'PATH' })" },
  )
  .transform((source: SecretSource) => ('secret' in source ? source : secret(source)))
  .meta({ type: 'Secret' })
