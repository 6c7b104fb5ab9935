import { request } from '@octokit/request'
import { RequestError } from '@octokit/request-error'
import type { ReleaseHost } from '../../drivers/releases.ts'
import type { Scope } from '../../drivers/scope.ts'
import type { Secrets } from '../../drivers/secrets.ts'
import type { Clock } from '../../kernel/clock.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { isTransient, rateLimitSeconds, maxWaitSeconds, requestError, type FailedRequest } from './errors.ts'

export type ApiDeps = {
  readonly scope: Pick<Scope, 'signal' | 'output' | 'progress'>
  readonly secrets: Pick<Secrets, 'reveal'>
  readonly clock: Clock
}

export type ApiRequest = {
  /** Verb and object, for messages: `read a release of shop/shop`. */
  readonly doing: string
  /** Method and URL, absolute or relative to the host's address; names in braces are taken from `with`. */
  readonly route: `${'GET' | 'POST' | 'PATCH' | 'DELETE'} ${string}`
  readonly with?: { readonly [name: string]: unknown }
  readonly headers?: { readonly [name: string]: string | number }
  /** Returns the response body as a stream. */
  readonly raw?: true
  /** Creates the request body, once for each attempt. */
  readonly body?: () => ReadableStream | string
}

export type ApiResponse = { readonly data: unknown }

/** Seconds before another attempt. */
const pauses = [1, 3]

/** A failed request, for callers that handle some failures. */
export class RequestFailed extends RunbookError {
  readonly refusal: FailedRequest

  constructor(refusal: FailedRequest, { code, message, hint }: RunbookError) {
    super(code, message, hint === undefined ? {} : { hint })
    this.refusal = refusal
  }
}

/**
 * One request to GitHub. Waits for a rate limit that resets within a minute, since a refused request had no
 * effect. Retries other failures only for the idempotent methods GET, PATCH and DELETE; a POST may have taken
 * effect, which the caller must find out.
 *
 * Octokit (10.0.16) reports a lost connection as status 500 without a response, and a truncated response as
 * an empty one. It follows redirects by fetch, which drops the token on another host; changes are not
 * redirected, since fetch would turn them into a GET.
 * @throws RequestFailed
 */
export async function ask(means: ApiDeps, host: ReleaseHost, asking: ApiRequest): Promise<ApiResponse> {
  const { scope, clock } = means
  for (let tries = 0; ; tries += 1) {
    const result = await askOnce(means, host, asking)
    if ('data' in result) return result
    const limit = rateLimitSeconds(result, clock.now())
    const wait =
      limit ?? (isTransient(result) && !asking.route.startsWith('POST ') ? (pauses[tries] ?? null) : null)
    const error = requestError(asking.doing, host, result, clock.now())
    if (wait === null || wait > maxWaitSeconds || tries >= pauses.length)
      throw new RequestFailed(result, error)
    scope.output(Buffer.from(`${error.message}; trying again in ${wait} s\n`))
    await clock.sleep(wait * 1000, scope.signal)
  }
}

async function askOnce(
  { scope, secrets }: ApiDeps,
  host: ReleaseHost,
  asking: ApiRequest,
): Promise<ApiResponse | FailedRequest> {
  const token = await secrets.reveal(host.token)
  try {
    const { status, data } = await request(asking.route, {
      baseUrl: host.api,
      headers: {
        authorization: `Bearer ${token.reveal()}`,
        'user-agent': 'runbook',
        'x-github-api-version': '2022-11-28',
        ...asking.headers,
      },
      request: {
        signal: scope.signal,
        redirect: asking.route.startsWith('GET ') ? 'follow' : 'error',
        log: silent,
        ...(asking.raw === true ? { parseSuccessResponseBody: false } : {}),
      },
      ...asking.with,
      ...(asking.body === undefined ? {} : { data: asking.body() }),
    })
    return data === '' && status !== 204
      ? { status: null, message: 'the response was interrupted', headers: {} }
      : { data }
  } catch (thrown) {
    scope.signal.throwIfAborted()
    return refusalOf(thrown)
  }
}

const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/** @throws what it is given unless that is a failed request */
function refusalOf(thrown: unknown): FailedRequest {
  if (!(thrown instanceof RequestError)) throw thrown
  // The error also holds the request and the response, which must not reach a log.
  const { message } = thrown
  if (thrown.response === undefined) return { status: null, message, headers: {} }
  return {
    status: thrown.status,
    message: message.replace(/ - https:\/\/docs\.\S+$/, ''),
    headers: thrown.response.headers,
  }
}
