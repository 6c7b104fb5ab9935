import { Hono, type Context } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import type { Clock } from '../../kernel/clock.ts'
import { failureOf } from '../../kernel/errors.ts'
import { guard, metricsPath, type Guarded } from './guard.ts'
import { Followers } from './live.ts'
import type { ServedFile, Site } from './site.ts'

type Running = {
  readonly clock: Clock
  /** Aborts when the server ends, and with it every stream. */
  readonly stopped: AbortSignal
}

/** The routes. None of them acts: there is no method but GET and HEAD. */
export function appFor(site: Site, guarded: Guarded, { clock, stopped }: Running): Hono {
  const app = new Hono()
  const followers = new Followers(site, clock, stopped)
  app.use(
    secureHeaders({
      // It speaks plain HTTP; whoever puts TLS before it decides about this.
      strictTransportSecurity: false,
      xFrameOptions: 'DENY',
      overwrite: false,
    }),
  )
  app.use(async (c, next) => {
    c.header('Cache-Control', 'no-store')
    c.header('Content-Security-Policy', site.policies.page)
    await next()
  })
  app.use(guard(site, guarded))
  const page = async (c: Context, html: Promise<string | null>): Promise<Response> => {
    const found = await html
    return found === null ? missing(c, site) : c.html(found)
  }
  app.get('/', (c) => page(c, site.overview()))
  app.get('/targets/:target', (c) =>
    page(c, site.target(c.req.param('target'), c.req.query('runbook') ?? null)),
  )
  app.get('/targets/:target/runbooks/:name', (c) =>
    page(c, site.runbook(c.req.param('target'), c.req.param('name'))),
  )
  app.get('/targets/:target/runbooks/:name/dry-run', async (c) => {
    // It starts programs, so it is not for a page of another port that gets the cookie, nor for a browser's guess.
    if (!isAskedFor(c))
      return c.html(
        site.failure(
          403,
          'A dry run starts only when somebody opens it.',
          'use the link on the page of its runbook',
        ),
        403,
      )
    if (c.req.method === 'HEAD') return c.body(null)
    const left = AbortSignal.any([c.req.raw.signal, stopped])
    const answer = await site.dryRun(c.req.param('target'), c.req.param('name'), left)
    if (answer === null) return missing(c, site)
    if (answer.status === 503) c.header('Retry-After', '10')
    return c.html(answer.html, answer.status)
  })
  app.get('/targets/:target/runbooks/:name/graph', async (c) => {
    const text = await site.graph(c.req.param('target'), c.req.param('name'))
    return text === null ? missing(c, site) : c.text(text)
  })
  app.get('/runs/:run', (c) => page(c, site.run(c.req.param('run'))))
  app.get('/runs/:run/events', async (c) => {
    const run = c.req.param('run')
    if ((await site.state(run)) === null) return missing(c, site)
    if (c.req.method === 'HEAD') return c.body(null)
    if (!followers.full) return followers.follow(c, run)
    c.header('Retry-After', '30')
    return c.html(site.failure(503, 'Too many pages follow runs.', 'close some of them'), 503)
  })
  app.get('/runs/:run/evidence', (c) => page(c, site.evidence(c.req.param('run'))))
  app.get('/runs/:run/evidence/:name{.+}', async (c) => {
    const file = await site.file(c.req.param('run'), c.req.param('name'))
    return file === null ? missing(c, site) : served(c, site, file)
  })
  app.get(metricsPath, async (c) => {
    const text = await site.metrics()
    // A scrape that fails is seen; an empty one is not.
    if (text === null) return c.text('Still looking.\n', 503)
    return c.body(text, 200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' })
  })
  app.notFound((c) => missing(c, site))
  app.onError((thrown, c) => {
    const { message, hint } = failureOf(thrown)
    return c.html(site.failure(500, message, hint ?? 'look at the same with the command line'), 500)
  })
  return app
}

/** https://www.w3.org/TR/fetch-metadata/, which programs that are no browser do not send. */
const isAskedFor = (c: Context): boolean =>
  ['same-origin', 'none', undefined].includes(c.req.header('sec-fetch-site')) &&
  c.req.header('sec-purpose') === undefined

const missing = (c: Context, site: Site) =>
  c.html(site.failure(404, 'There is no such page.', 'start from the overview'), 404)

/** Files of a run may come from anywhere, so the browser may only show them. */
function served(c: Context, site: Site, { html, bytes, body }: ServedFile): Response {
  c.header('Content-Security-Policy', site.policies.evidence)
  c.header('Content-Type', html ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8')
  c.header('Content-Length', String(bytes))
  if (c.req.method === 'HEAD') {
    void body.cancel()
    return c.body(null)
  }
  return c.body(body)
}
