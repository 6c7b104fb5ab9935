import type { Http, HttpPost, HttpView } from '../drivers/http.ts'
import type { SecretHandle, Secrets } from '../drivers/secrets.ts'
import { RunbookError } from '../kernel/errors.ts'
import type { Json, JsonObject } from '../kernel/json.ts'

/** The answer of a fake server to one request; a function can inspect the world first. */
export type FakeAnswer =
  | { readonly status: number; readonly json?: Json; readonly text?: string; readonly redirect?: string }
  | (() => FakeAnswer)
  | 'name not found'
  | 'refused'
  | 'timed out'
  | 'TLS failed'

export type FakeWeb = {
  /**
   * Answers by address. Each request takes the next one, and the last one repeats. An address that is missing
   * here refuses connections.
   */
  readonly answers: Map<string, readonly FakeAnswer[]>
  /** Every request, in order, with its bearer token. */
  readonly asked: { readonly url: string; readonly bearer: string | null }[]
  /** Every POST that got an answer, in order. */
  readonly posted: { readonly url: string; readonly key: string; readonly body: Json }[]
}

export const emptyWeb = (): FakeWeb => ({ answers: new Map(), asked: [], posted: [] })

export function fakeHttp(web: FakeWeb, secrets: Pick<Secrets, 'reveal'>): Http {
  const answerAt = (
    at: string,
    bearer: string | null,
    asking = `GET ${at}`,
  ): Exclude<FakeAnswer, string | (() => unknown)> => {
    const earlier = web.asked.filter((one) => one.url === at).length
    web.asked.push({ url: at, bearer })
    const answers = web.answers.get(at) ?? []
    const answer = settled(answers[Math.min(earlier, answers.length - 1)] ?? 'refused')
    if (typeof answer === 'string')
      throw new RunbookError('failed', `${asking}: ${phrases[answer]}`, {
        hint: 'check the answers of the test',
      })
    return answer
  }
  const revealed = async (handle: SecretHandle | null): Promise<string | null> =>
    handle === null ? null : (await secrets.reveal(handle)).reveal()
  const bodyOf = async (
    url: string,
    options: Pick<Parameters<HttpView['get']>[1], 'bearer'>,
  ): Promise<{ readonly status: number; readonly text: string }> => {
    const bearer = await revealed(options.bearer)
    absolute(url)
    let at = url
    for (let redirects = 0; redirects <= 5; redirects++) {
      const answer = answerAt(at, bearer)
      if (answer.redirect === undefined) return { status: answer.status, text: textOf(answer) }
      const to = new URL(answer.redirect, at)
      if (to.origin !== new URL(at).origin) {
        throw new RunbookError(
          'failed',
          `GET ${at}: redirected to another host, ${to.href}, which is not followed`,
          { hint: 'check the address' },
        )
      }
      at = to.href
    }
    throw new RunbookError('failed', `GET ${url}: more than 5 redirects`)
  }
  return {
    async get(url, options) {
      const { status, text } = await bodyOf(url, options)
      return { status, json: jsonOf(text), excerpt: text.slice(0, 200), milliseconds: 1 }
    },
    async read(url, options) {
      const { status, text } = await bodyOf(url, options)
      const bytes = Buffer.from(text)
      return {
        status,
        text: bytes.subarray(0, options.maxBytes).toString(),
        whole: bytes.length <= options.maxBytes,
      }
    },
    async post(given: string | SecretHandle, { body, bearer, key, secretFields = {} }: HttpPost) {
      const url = typeof given === 'string' ? given : (await secrets.reveal(given)).reveal()
      absolute(url, typeof given === 'string' ? undefined : given.secret)
      const answer = answerAt(
        url,
        await revealed(bearer),
        `POST ${typeof given === 'string' ? url : new URL(url).origin}`,
      )
      const fields: [string, string][] = []
      for (const [field, handle] of Object.entries(secretFields))
        fields.push([field, (await secrets.reveal(handle)).reveal()])
      web.posted.push({
        url,
        key,
        body: fields.length === 0 ? body : { ...(body as JsonObject), ...Object.fromEntries(fields) },
      })
      const text = textOf(answer)
      return { status: answer.status, json: jsonOf(text), excerpt: text.slice(0, 200), milliseconds: 1 }
    },
  }
}

function absolute(url: string, secret?: string): void {
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new RunbookError(
      'usage',
      `${secret === undefined ? JSON.stringify(url) : `secret ${secret}`} is not an http or https URL`,
    )
}

const textOf = ({ text, json }: { readonly text?: string; readonly json?: Json }): string =>
  text ?? (json === undefined ? '' : JSON.stringify(json))

const settled = (answer: FakeAnswer): Exclude<FakeAnswer, () => unknown> =>
  typeof answer === 'function' ? settled(answer()) : answer

const phrases = {
  'name not found': 'host name not found',
  refused: 'connection refused',
  'timed out': 'timed out',
  'TLS failed': 'TLS failed',
}

function jsonOf(text: string): Json {
  if (Buffer.byteLength(text) > 64 * 1024) return null
  try {
    return JSON.parse(text) as Json
  } catch {
    return null
  }
}
