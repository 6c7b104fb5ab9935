import { isIP } from 'node:net'
import type { Context, MiddlewareHandler } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import { isSame, type Keys } from './keys.ts'
import type { Site } from './site.ts'

export const metricsPath = '/metrics'

export type Guarded = {
  readonly keys: Keys
  /** Names besides `localhost` and addresses under which it may be asked. */
  readonly names: readonly string[]
  /** Cookies are shared by all ports of a host, so two servers need two names. */
  cookie(): string
  /** Opens `/metrics` and nothing else to a program that sends it as a bearer token; null: no program may. */
  readonly metricsToken: string | null
  /** Called after a link was used, when another one is valid. */
  onOpened(): void
}

/** Refuses everything but looks of browsers that were given a link, in the order of what is cheapest to check. */
export function guard(site: Pick<Site, 'failure'>, guarded: Guarded): MiddlewareHandler {
  const { keys, names, cookie, metricsToken, onOpened } = guarded
  const refused = (c: Context, status: 400 | 401 | 403 | 405, says: string, hint: string) =>
    c.html(site.failure(status, says, hint), status)
  return async (c, next) => {
    // A page of another origin can point its own name here (DNS rebinding), but not an address.
    if (!isOwnName(c.req.header('host'), names))
      return refused(
        c,
        403,
        'The server does not answer to this name.',
        'open the link that `runbook serve` printed',
      )
    if (c.req.method !== 'GET' && c.req.method !== 'HEAD') {
      c.header('Allow', 'GET, HEAD')
      return refused(c, 405, 'This server only shows, it changes nothing.', 'use the command line to act')
    }
    if (hasBody(c)) return refused(c, 400, 'A request without a body is expected.', 'open the page again')
    if (c.req.path === metricsPath && isBearer(c.req.header('authorization'), metricsToken)) return next()
    const token = c.req.query('token')
    if (token !== undefined && c.req.method === 'GET') {
      const session = keys.open(token)
      if (session !== null) {
        setCookie(c, cookie(), session, { httpOnly: true, sameSite: 'Strict', path: '/' })
        onOpened()
        return c.redirect(c.req.path, 303)
      }
    }
    if (!keys.admits(getCookie(c, cookie()) ?? ''))
      return refused(
        c,
        401,
        token === undefined ? 'This browser has not been let in.' : 'This link is wrong or was used before.',
        'open the link that `runbook serve` printed last; each works once',
      )
    return next()
  }
}

function isBearer(header: string | undefined, token: string | null): boolean {
  const given = /^bearer +([^ ]+)$/i.exec(header ?? '')?.[1]
  return given !== undefined && token !== null && isSame(given, token)
}

function hasBody(c: Context): boolean {
  const length = c.req.header('content-length')
  return c.req.header('transfer-encoding') !== undefined || (length !== undefined && length !== '0')
}

/** An address, `localhost` or a name of our own, with any port: a tunnel has another one. */
export function isOwnName(host: string | undefined, names: readonly string[]): boolean {
  const found = /^(\[[^\]]*\]|[^:]*)(?::\d{1,5})?$/.exec(host ?? '')?.[1]
  if (found === undefined) return false
  const name = found.startsWith('[') ? found.slice(1, -1) : found
  return isIP(name) !== 0 || ['localhost', ...names].includes(name.toLowerCase())
}
