import type { IncomingMessage, RequestOptions } from 'node:http'
import type { Http, HttpAnswer, HttpText, HttpView } from '../../drivers/http.ts'
import type { Scope } from '../../drivers/scope.ts'
import type { SecretHandle, Secrets } from '../../drivers/secrets.ts'
import { systemClock } from '../../kernel/clock.ts'
import { RunbookError } from '../../kernel/errors.ts'
import type { Json, JsonObject } from '../../kernel/json.ts'
import { httpError, withoutCredentials } from './errors.ts'

const maxBytes = 64 * 1024
const maxRedirects = 5
const excerptLength = 200

/**
 * HTTP over a new connection for each request, since a kept-alive connection may lead to a backend that was
 * replaced. Uses node:http for this and for the system's error codes: fetch pools connections.
 */
export function httpFor(scope: Pick<Scope, 'signal'>, secrets: Pick<Secrets, 'reveal'>): Http {
  return {
    async get(url, options) {
      const began = systemClock.monotonic()
      const answer = await asked(url, options, maxBytes)
      return { ...read(answer), milliseconds: Math.round(systemClock.monotonic() - began) }
    },
    async read(url, options): Promise<HttpText> {
      const { status, body } = await asked(url, options, options.maxBytes)
      return {
        status,
        text: body.subarray(0, options.maxBytes).toString('utf8'),
        whole: body.length <= options.maxBytes,
      }
    },
    async post(url, { body, timeoutSeconds, bearer, key, secretFields = {} }) {
      const began = systemClock.monotonic()
      const at = parseUrl(
        typeof url === 'string' ? url : (await secrets.reveal(url)).reveal(),
        typeof url === 'string' ? undefined : url.secret,
      )
      const headers = {
        'content-type': 'application/json',
        'idempotency-key': key,
        ...(await authorization(bearer)),
      }
      const bytes = Buffer.from(JSON.stringify(await withSecrets(body, secretFields)))
      const answer = await within(
        timeoutSeconds,
        { method: 'POST', at: typeof url === 'string' ? at : new URL(at.origin) },
        (signal) =>
          send(
            at,
            maxBytes,
            { method: 'POST', signal, headers: { ...headers, 'content-length': bytes.length } },
            bytes,
          ),
      )
      return { ...read(answer), milliseconds: Math.round(systemClock.monotonic() - began) }
    },
  }

  async function withSecrets(body: Json, fields: { readonly [field: string]: SecretHandle }): Promise<Json> {
    const revealed: [string, string][] = []
    for (const [field, handle] of Object.entries(fields))
      revealed.push([field, (await secrets.reveal(handle)).reveal()])
    return revealed.length === 0 ? body : { ...(body as JsonObject), ...Object.fromEntries(revealed) }
  }

  async function authorization(bearer: SecretHandle | null): Promise<{ readonly authorization?: string }> {
    if (bearer === null) return {}
    const token = (await secrets.reveal(bearer)).reveal()
    // A bearer token contains no space (RFC 6750, section 2.1), so this is the value of a complete header: HTTP Basic, or the
    // scheme of Opsgenie.
    return { authorization: /^(?:Basic|GenieKey) [\w+/=-]+$/.test(token) ? token : `Bearer ${token}` }
  }

  /** @param asking the request that messages name */
  async function within(
    seconds: number,
    asking: { readonly method: string; at: URL },
    work: (signal: AbortSignal) => Promise<RawResponse>,
  ): Promise<RawResponse> {
    const timeout = AbortSignal.timeout(Math.ceil(seconds * 1000))
    try {
      return await work(AbortSignal.any([scope.signal, timeout]))
    } catch (thrown) {
      scope.signal.throwIfAborted()
      throw httpError(asking.method, asking.at, seconds, timeout.aborted ? { timedOut: true } : { thrown })
    }
  }

  async function asked(
    url: string,
    options: Parameters<HttpView['get']>[1],
    limit: number,
  ): Promise<RawResponse> {
    const headers = await authorization(options.bearer)
    const asking = { method: 'GET', at: parseUrl(url) }
    return within(options.timeoutSeconds, asking, async (signal) => {
      for (let redirects = 0; ; redirects++) {
        const answer = await send(asking.at, limit, { signal, headers })
        const next = redirectOf(asking.at, answer)
        if (next === null) return answer
        if (redirects === maxRedirects)
          throw new RunbookError(
            'failed',
            `GET ${withoutCredentials(asking.at)}: more than ${maxRedirects} redirects, now to ${withoutCredentials(next)}`,
          )
        asking.at = next
      }
    })
  }
}

/** @param secret the name of the secret that holds the URL, so that messages do not show the URL */
function parseUrl(url: string, secret?: string): URL {
  if (URL.canParse(url) && ['http:', 'https:'].includes(new URL(url).protocol)) return new URL(url)
  throw new RunbookError(
    'usage',
    `${secret === undefined ? JSON.stringify(url) : `secret ${secret}`} is not an http or https URL`,
    { hint: 'write it as https://HOST/PATH' },
  )
}

type RawResponse = { readonly status: number; readonly location: string | undefined; readonly body: Buffer }

/**
 * Taken when needed, since most requests stay on this machine and need no TLS; and not imported, since an import
 * reads every export of node:http, one of which loads a client for WebSocket.
 */
const clientFor = ({ protocol }: URL) =>
  protocol === 'https:' ? process.getBuiltinModule('node:https') : process.getBuiltinModule('node:http')

function send(url: URL, limit: number, options: RequestOptions, body?: Buffer): Promise<RawResponse> {
  return new Promise((resolve, reject) => {
    clientFor(url)
      .request(url, { ...options, agent: false }, (response) => {
        readBody(response, limit).then(
          (body) => resolve({ status: response.statusCode ?? 0, location: response.headers.location, body }),
          reject,
        )
      })
      .on('error', reject)
      .end(body)
  })
}

/** Reads one byte past the limit, which shows that the body is longer, and drops the rest. */
async function readBody(response: IncomingMessage, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length > limit) break
  }
  return Buffer.concat(chunks).subarray(0, limit + 1)
}

/**
 * Null for an answer that is not a redirect.
 * @throws RunbookError `failed` for another host or port, or a downgrade from TLS.
 */
function redirectOf(from: URL, answer: RawResponse): URL | null {
  if (![301, 302, 303, 307, 308].includes(answer.status) || answer.location === undefined) return null
  const to = URL.canParse(answer.location, from.href) ? new URL(answer.location, from) : null
  const upgrade =
    to !== null && from.protocol === 'http:' && to.protocol === 'https:' && from.port === '' && to.port === ''
  if (to !== null && to.hostname === from.hostname && (to.origin === from.origin || upgrade)) return to
  const where = to === null ? JSON.stringify(answer.location) : withoutCredentials(to)
  throw new RunbookError(
    'failed',
    `GET ${withoutCredentials(from)}: redirected to another host, ${where}, which is not followed`,
    {
      hint: 'check what answers there, or configure the final address in the health check',
    },
  )
}

function read(
  answer: RawResponse,
): Omit<HttpAnswer, 'milliseconds'> & { status: number; json: Json; excerpt: string } {
  const text = answer.body.toString('utf8')
  return {
    status: answer.status,
    json: answer.body.length > maxBytes ? null : jsonOf(text),
    excerpt: withoutControls(text.slice(0, excerptLength)),
  }
}

function jsonOf(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return null
  }
}

/** Replaces control characters, which could control the terminal that shows the text. */
const withoutControls = (text: string): string => text.replaceAll(/[^\P{Cc}\n\t]/gu, '\u{fffd}')
