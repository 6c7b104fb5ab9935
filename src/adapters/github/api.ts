import { request } from '@octokit/request'
import { RequestError } from '@octokit/request-error'
import type { ReleaseHost } from '../../drivers/releases.ts'
import type { Scope } from '../../drivers/scope.ts'
import type { Secrets } from '../../drivers/secrets.ts'
import type { Clock } from '../../kernel/clock.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { isPassing, limitedFor, longestWait, troubleOf, type Refusal } from './errors.ts'

export type Means = {
  readonly scope: Pick<Scope, 'signal' | 'output' | 'progress'>
  readonly secrets: Pick<Secrets, 'reveal'>
  readonly clock: Clock
}

export type Asking = {
  /** `read a release of shop/shop`: what a failure says that could not be done. */
  readonly doing: string
  /** With what stands in braces under `with`; absolute, or from the host's address. */
  readonly route: `${'GET' | 'POST' | 'PATCH' | 'DELETE'} ${string}`
  readonly with?: { readonly [name: string]: unknown }
  readonly headers?: { readonly [name: string]: string | number }
  /** Hands the body on as it arrives. */
  readonly raw?: true
  /** What is sent, made anew for each attempt. */
  readonly body?: () => ReadableStream | string
}

export type Answer = { readonly data: unknown }

/** Seconds before another attempt. */
const pauses = [1, 3]

/** A request that came to nothing, for callers that know what to make of one. */
export class Refused extends RunbookError {
  readonly refusal: Refusal

  constructor(refusal: Refusal, { code, message, hint }: RunbookError) {
    super(code, message, hint === undefined ? {} : { hint })
    this.refusal = refusal
  }
}

/**
 * One request to GitHub. A limit of requests that is lifted within a minute is waited for: what was refused was not done. Other trouble is tried
 * again only where doing it twice is the same as once, by GET, PATCH and DELETE; a POST may have taken effect, which is for the caller to find
 * out.
 *
 * Octokit (10.0.16) tells a lost connection as status 500 without a response, and an answer whose end was lost as one that is empty. It follows redirects by fetch, which
 * drops the token on the way to another host; what changes something is not redirected at all, since fetch would make a GET of it.
 * @throws Refused
 */
export async function ask(means: Means, host: ReleaseHost, asking: Asking): Promise<Answer> {
  const { scope, clock } = means
  for (let tries = 0; ; tries += 1) {
    const found = await askOnce(means, host, asking)
    if ('data' in found) return found
    const limit = limitedFor(found, clock.now())
    const wait =
      limit ?? (isPassing(found) && !asking.route.startsWith('POST ') ? (pauses[tries] ?? null) : null)
    const trouble = troubleOf(asking.doing, host, found, clock.now())
    if (wait === null || wait > longestWait || tries >= pauses.length) throw new Refused(found, trouble)
    scope.output(Buffer.from(`${trouble.message}; again in ${wait} s\n`))
    await clock.sleep(wait * 1000, scope.signal)
  }
}

async function askOnce(
  { scope, secrets }: Means,
  host: ReleaseHost,
  asking: Asking,
): Promise<Answer | Refusal> {
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
      ? { status: null, message: 'the end of its answer was lost', headers: {} }
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

/** @throws what it is given, where that is no trouble of a request */
function refusalOf(thrown: unknown): Refusal {
  if (!(thrown instanceof RequestError)) throw thrown
  // With its request and its answer it would bring more into a log than anybody wants there.
  const { message } = thrown
  if (thrown.response === undefined) return { status: null, message, headers: {} }
  return {
    status: thrown.status,
    message: message.replace(/ - https:\/\/docs\.\S+$/, ''),
    headers: thrown.response.headers,
  }
}
