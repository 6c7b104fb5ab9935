import type { HttpView } from '../drivers/http.ts'
import type { Secrets } from '../drivers/secrets.ts'
import { RunbookError } from '../kernel/errors.ts'
import type { Json } from '../kernel/json.ts'

/** What a pretended server does with one request; a function looks at the world first. */
export type PretendedAnswer =
  | { readonly status: number; readonly json?: Json; readonly text?: string; readonly redirect?: string }
  | (() => PretendedAnswer)
  | 'name not found'
  | 'refused'
  | 'timed out'
  | 'TLS failed'

export type PretendedWeb = {
  /** By address. Each request takes the next answer, and the last one stays. An address that is missing here refuses. */
  readonly answers: Map<string, readonly PretendedAnswer[]>
  /** Every request, in order, with the bearer token it carried. */
  readonly asked: { readonly url: string; readonly bearer: string | null }[]
}

export const emptyWeb = (): PretendedWeb => ({ answers: new Map(), asked: [] })

export function memoryHttp(web: PretendedWeb, secrets: Pick<Secrets, 'reveal'>): HttpView {
  const bodyOf = async (url: string, options: Pick<Parameters<HttpView['get']>[1], 'bearer'>): Promise<{ readonly status: number; readonly text: string }> => {
    if (!URL.canParse(url) || !/^https?:/.test(url)) throw new RunbookError('usage', `${JSON.stringify(url)} is no http or https address`)
    const bearer = options.bearer === null ? null : (await secrets.reveal(options.bearer)).reveal()
    let at = url
    for (let redirects = 0; redirects <= 5; redirects++) {
      const earlier = web.asked.filter((one) => one.url === at).length
      web.asked.push({ url: at, bearer })
      const answers = web.answers.get(at) ?? []
      const answer = settled(answers[Math.min(earlier, answers.length - 1)] ?? 'refused')
      if (typeof answer === 'string') throw new RunbookError('failed', `GET ${at}: ${phrases[answer]}`, { hint: 'look at the script of the test' })
      if (answer.redirect === undefined) {
        const text = answer.text ?? (answer.json === undefined ? '' : JSON.stringify(answer.json))
        return { status: answer.status, text }
      }
      const to = new URL(answer.redirect, at)
      if (to.origin !== new URL(at).origin) {
        throw new RunbookError('failed', `GET ${at}: redirected to another host, ${to.href}, which is not followed`, { hint: 'check the address' })
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
      return { status, text: bytes.subarray(0, options.maxBytes).toString(), whole: bytes.length <= options.maxBytes }
    },
  }
}

const settled = (answer: PretendedAnswer): Exclude<PretendedAnswer, () => unknown> => (typeof answer === 'function' ? settled(answer()) : answer)

const phrases = {
  'name not found': 'the name was not found',
  refused: 'the connection was refused',
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
