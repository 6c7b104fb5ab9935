import { describe, expect, it } from 'vitest'
import type { Json } from '../../src/kernel/json.ts'
import type { Http } from '../../src/drivers/http.ts'

export type ScriptedAnswer =
  | { readonly status: number; readonly body?: string; readonly redirect?: string }
  | 'timed out'

export type HttpBench = {
  readonly http: Http
  /** Lets a path answer so, one after another, the last one again and again; returns its address. */
  answers(path: string, ...script: readonly ScriptedAnswer[]): Promise<string>
  /** An address at which nothing listens. */
  readonly dead: string
  /** Another server, to which nobody may be led; its requests would be in `asked` too. */
  readonly elsewhere: string
  /** The requests that came in. */
  asked(): readonly { readonly path: string; readonly bearer: string | null }[]
  /** What was posted. */
  posted(): readonly { readonly path: string; readonly key: string; readonly body: Json }[]
  /** The bench's secret HOOK is this address from now on. */
  hook(url: string): void
}

/** The secret that a bench holds: in its environment, as TOKEN. */
export const token = 'token-canary-value'
/** Another one, as BASIC: the value of a complete header. */
export const basic = `Basic ${Buffer.from('user:a canary value').toString('base64')}`

/** What every HttpView driver must do. */
export function httpContract(name: string, open: () => Promise<HttpBench>): void {
  const options = { timeoutSeconds: 5, bearer: null }
  const failed = { name: 'RunbookError', code: 'failed' }

  describe(`http, ${name}`, () => {
    it('returns status, parsed body and an excerpt, whatever the status', async () => {
      const { http, answers } = await open()
      const healthy = await answers(
        '/health',
        { status: 200, body: '{"status":"ok","checks":{"db":true}}' },
        { status: 503, body: 'down for now' },
      )
      expect(await http.get(healthy, options)).toEqual({
        status: 200,
        json: { status: 'ok', checks: { db: true } },
        excerpt: '{"status":"ok","checks":{"db":true}}',
        milliseconds: expect.any(Number),
      })
      expect(await http.get(healthy, options)).toMatchObject({
        status: 503,
        json: null,
        excerpt: 'down for now',
      })
      expect(await http.get(healthy, options)).toMatchObject({ status: 503 })
    })

    it('reads a body as text, up to the bytes allowed, and says whether that is all of it', async () => {
      const { http, answers } = await open()
      const url = await answers('/text', { status: 404, body: 'a 1\nb 2\n' })
      expect(await http.read(url, { ...options, maxBytes: 8 })).toEqual({
        status: 404,
        text: 'a 1\nb 2\n',
        whole: true,
      })
      expect(await http.read(url, { ...options, maxBytes: 7 })).toEqual({
        status: 404,
        text: 'a 1\nb 2',
        whole: false,
      })
    })

    it('shows at most 200 characters, and parses at most 64 KiB', async () => {
      const { http, answers } = await open()
      const fits = `"${'x'.repeat(65_534)}"`
      const most = await http.get(await answers('/most', { status: 200, body: fits }), options)
      expect(most.json).toBe('x'.repeat(65_534))
      expect(most.excerpt).toBe(fits.slice(0, 200))
      expect(
        await http.get(await answers('/more', { status: 200, body: `"${'x'.repeat(65_535)}"` }), options),
      ).toMatchObject({ status: 200, json: null })
    })

    it('follows redirects to the same host, five of them', async () => {
      const { http, answers } = await open()
      const hops = [1, 2, 3, 4].map((hop) =>
        answers(`/hop${hop}`, { status: 302, redirect: `/hop${hop + 1}` }),
      )
      await Promise.all(hops)
      await answers('/hop5', { status: 200, body: 'arrived' })
      const start = await answers('/start', { status: 301, redirect: '/hop1' })
      expect(await http.get(start, options)).toMatchObject({ status: 200, excerpt: 'arrived' })
      await expect(
        http.get(await answers('/circle', { status: 307, redirect: '/circle' }), options),
      ).rejects.toMatchObject({
        ...failed,
        message: expect.stringContaining('more than 5 redirects'),
      })
    })

    it('never goes to another host', async () => {
      const { http, answers, elsewhere, asked } = await open()
      const away = await answers('/away', { status: 302, redirect: elsewhere })
      await expect(http.get(away, options)).rejects.toMatchObject({
        ...failed,
        message: expect.stringContaining('redirected to another host'),
        hint: expect.any(String),
      })
      expect(asked().map((one) => one.path)).toEqual(['/away'])
    })

    it('sends the bearer token as a header, and none without', async () => {
      const { http, answers, asked } = await open()
      const url = await answers('/private', { status: 200 })
      await http.get(url, { timeoutSeconds: 5, bearer: { secret: 'token', from: { env: 'TOKEN' } } })
      await http.get(url, options)
      expect(asked()).toEqual([
        { path: '/private', bearer: token },
        { path: '/private', bearer: null },
      ])
    })

    it('sends a token that is a complete Basic credential as it is', async () => {
      const { http, answers, asked } = await open()
      const url = await answers('/basic', { status: 200 })
      await http.get(url, { timeoutSeconds: 5, bearer: { secret: 'basic', from: { env: 'BASIC' } } })
      expect(asked()).toEqual([{ path: '/basic', bearer: basic }])
    })

    it('tells a refused connection from an answer that does not come', async () => {
      const { http, dead, answers } = await open()
      await expect(http.get(dead, options)).rejects.toMatchObject({
        ...failed,
        message: expect.stringContaining('refused'),
        hint: expect.any(String),
      })
      const silent = await answers('/silent', 'timed out')
      await expect(http.get(silent, { timeoutSeconds: 0.2, bearer: null })).rejects.toMatchObject({
        ...failed,
        message: expect.stringContaining('timed out'),
        hint: expect.any(String),
      })
    })

    const post = { body: { text: 'gr\u00fc\u00dfe', list: [1, null] }, key: 'run/announce', ...options }

    it('posts JSON once, under its key, with the token, and returns what was answered', async () => {
      const { http, answers, asked, posted } = await open()
      const url = await answers('/hook', { status: 201, body: '{"key":"OPS-7"}' })
      expect(
        await http.post(url, { ...post, bearer: { secret: 'token', from: { env: 'TOKEN' } } }),
      ).toMatchObject({ status: 201, json: { key: 'OPS-7' }, excerpt: '{"key":"OPS-7"}' })
      expect(posted()).toEqual([{ path: '/hook', key: 'run/announce', body: post.body }])
      expect(asked()).toEqual([{ path: '/hook', bearer: token }])
    })

    it('follows no redirect with what it posts', async () => {
      const { http, answers, asked } = await open()
      await answers('/there', { status: 200 })
      expect(
        await http.post(await answers('/moved', { status: 308, redirect: '/there' }), post),
      ).toMatchObject({ status: 308 })
      expect(asked().map(({ path }) => path)).toEqual(['/moved'])
    })

    it('posts to an address that is a secret, and names it in no message', async () => {
      const { http, answers, hook, posted, dead } = await open()
      const url = { secret: 'hook', from: { env: 'HOOK' } }
      hook(await answers('/hook/secret-part', { status: 200 }))
      expect(await http.post(url, post)).toMatchObject({ status: 200 })
      expect(posted()).toHaveLength(1)
      hook(`${dead}secret-part`)
      await expect(http.post(url, post)).rejects.toMatchObject({
        ...failed,
        message: expect.not.stringContaining('secret-part'),
      })
      hook('secret-part')
      await expect(http.post(url, post)).rejects.toMatchObject({
        code: 'usage',
        message: expect.not.stringContaining('secret-part'),
      })
    })

    it('says of a POST what it says of a GET', async () => {
      const { http, dead, answers } = await open()
      await expect(http.post(dead, post)).rejects.toMatchObject({
        ...failed,
        message: expect.stringMatching(/^POST .*refused/),
        hint: expect.any(String),
      })
      await expect(
        http.post(await answers('/silent', 'timed out'), { ...post, timeoutSeconds: 0.2 }),
      ).rejects.toMatchObject({ ...failed, message: expect.stringContaining('timed out') })
    })

    it('takes http and https addresses only', async () => {
      const { http } = await open()
      for (const url of ['health', 'file:///etc/passwd', 'ftp://localhost/', ''])
        await expect(http.get(url, options)).rejects.toMatchObject({ code: 'usage' })
    })
  })
}
