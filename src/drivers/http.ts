import type { Json, JsonObject } from '../kernel/json.ts'
import type { SecretHandle } from './secrets.ts'
import type { OwnHealthCheck } from './services.ts'

export type HealthCheck = {
  readonly name: string
  readonly url: string
  readonly status: number
  /** Consecutive passes that count as healthy. */
  readonly passes: number
  readonly withinSeconds: number
  readonly everySeconds: number
  readonly timeoutSeconds: number
  /** Required values, by dotted path in the JSON body. */
  readonly json: { readonly [path: string]: Json }
  /** Required in the first 200 characters of the body, ignoring case: `<!doctype html>` for a page. */
  readonly text?: string
  readonly bearer: SecretHandle | null
}

/** By an address, or by a service's own check. */
export type AnyHealthCheck = HealthCheck | OwnHealthCheck

export const isOwnCheck = (check: AnyHealthCheck): check is OwnHealthCheck => 'service' in check

export type HttpAnswer = JsonObject & {
  readonly status: number
  /** The parsed body if it is JSON of at most 64 KiB, else null. */
  readonly json: Json
  /** The first 200 characters of the body, for people. */
  readonly excerpt: string
  readonly milliseconds: number
}

/** `whole`: whether `text` is the complete body. */
export type HttpText = { readonly status: number; readonly text: string; readonly whole: boolean }

export interface HttpView {
  /**
   * One GET. Follows redirects only to the same host; reads at most 64 KiB; bounded by `timeoutSeconds`.
   * @throws RunbookError `failed`, with distinct messages: name not found, connection refused, timed out,
   *   TLS error, redirect to another host
   */
  get(
    url: string,
    options: { readonly timeoutSeconds: number; readonly bearer: SecretHandle | null },
  ): Promise<HttpAnswer>
  /** Like `get`, for a body that is not JSON, such as metrics: its first `maxBytes` as text. */
  read(
    url: string,
    options: {
      readonly timeoutSeconds: number
      readonly bearer: SecretHandle | null
      readonly maxBytes: number
    },
  ): Promise<HttpText>
}

export type HttpPost = {
  readonly body: Json
  readonly timeoutSeconds: number
  readonly bearer: SecretHandle | null
  /** Secrets that are added to the body, which is then an object, under these names. */
  readonly secretFields?: { readonly [field: string]: SecretHandle }
  /** Sent as `Idempotency-Key`, so that a server that supports it recognises a repeated POST. */
  readonly key: string
}

export interface Http extends HttpView {
  /**
   * One POST of JSON. A redirect is returned, not followed. Messages show only the origin of a secret URL.
   * @throws RunbookError like `get`; the server may have processed the request nevertheless
   */
  post(url: string | SecretHandle, post: HttpPost): Promise<HttpAnswer>
}
