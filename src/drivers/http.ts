import type { Json, JsonObject } from '../kernel/json.ts'
import type { SecretHandle } from './secrets.ts'

export type HealthCheck = {
  readonly name: string
  readonly url: string
  readonly status: number
  /** Passes in a row that count as healthy. */
  readonly passes: number
  readonly withinSeconds: number
  readonly everySeconds: number
  readonly timeoutSeconds: number
  /** Dotted path in the JSON body and the value that must stand there. */
  readonly json: { readonly [path: string]: Json }
  /** Stands in the first 200 characters of the body, in capitals or not: `<!doctype html>` for a page. */
  readonly text?: string
  readonly bearer: SecretHandle | null
}

export type HttpAnswer = JsonObject & {
  readonly status: number
  /** Parsed body where it is JSON and not larger than 64 KiB, else null. */
  readonly json: Json
  /** The first 200 characters, for people. */
  readonly excerpt: string
  readonly milliseconds: number
}

/** `whole`: whether `text` is all of the body. */
export type HttpText = { readonly status: number; readonly text: string; readonly whole: boolean }

export interface HttpView {
  /**
   * One GET. Follows a redirect only to the same host; reads at most 64 KiB; bounded by `timeoutSeconds`.
   * @throws RunbookError `failed`, distinct for: name not found, refused, timed out, TLS, redirect to another host.
   */
  get(
    url: string,
    options: { readonly timeoutSeconds: number; readonly bearer: SecretHandle | null },
  ): Promise<HttpAnswer>
  /** As `get`, for a body that is no JSON, such as metrics: its first `maxBytes`, as text. */
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
  /** Sent as `Idempotency-Key`, by which a server that knows it takes a second POST for the first. */
  readonly key: string
}

export interface Http extends HttpView {
  /**
   * One POST of JSON. A redirect is not followed: it is the answer. An address that is a secret shows in no message but by its origin.
   * @throws RunbookError as `get`; then nobody knows whether the server took it.
   */
  post(url: string | SecretHandle, post: HttpPost): Promise<HttpAnswer>
}
