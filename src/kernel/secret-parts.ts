import { shortestSecret } from './secret.ts'

/**
 * A part of a secret that must not be shown either. One that `yields` is not masked where the configuration
 * contains it in plain text, such as the path `/api/health`.
 */
export type SecretPart = { readonly text: string; readonly yields: boolean }

const url = /^[a-z][a-z0-9+.-]*:\/\/(?:([^/?#]*)@)?[^/?#]*([^?#]*)(?:\?([^#]*))?/i
const authorization = /^(?:basic|bearer) +(\S+)$/i

/**
 * The parts of a secret that is a URL or the value of an Authorization header: servers and programs repeat
 * them one by one. Parts of fewer than eight bytes are left out.
 */
export function partsOf(secret: string): readonly SecretPart[] {
  const text = secret.trim()
  const found = new Map<string, SecretPart>()
  const add = (parts: readonly string[], yields: boolean): void => {
    for (const part of parts.flatMap((one) => [one, decoded(one)])) {
      if (Buffer.byteLength(part) >= shortestSecret && part !== secret && found.get(part)?.yields !== false)
        found.set(part, { text: part, yields })
    }
  }
  const token = authorization.exec(text)?.[1]
  if (token !== undefined) {
    add([token], false)
    if (/^basic/i.test(text)) add(credentials(Buffer.from(token, 'base64').toString('utf8')), false)
  }
  const [, user = '', path = '', query = ''] = url.exec(text) ?? []
  if (user !== '') {
    const [name = ''] = user.split(':')
    add(credentials(user), false)
    // Without a password the name is the key, as in the DSN of an error tracker.
    add([name], user.includes(':'))
  }
  add([path, ...(query === '' ? [] : [`${path}?${query}`, query]), ...valuesOf(query)], true)
  add(segmentsOf(path), true)
  return [...found.values()]
}

/** The forms in which a server or a library repeats `user:password`. */
function credentials(user: string): readonly string[] {
  if (!user.includes(':')) return []
  const plain = decoded(user)
  return [user, user.slice(user.indexOf(':') + 1), Buffer.from(plain).toString('base64')]
}

/** The last segment, every shorter end of the path, and those in its middle that look generated. */
function segmentsOf(path: string): readonly string[] {
  const segments = path.split('/').filter((one) => one !== '')
  const ends = segments.map((_, index) => segments.slice(index).join('/'))
  return [...ends, ...segments.filter((one) => /[0-9A-Z]/.test(one))]
}

const valuesOf = (query: string): readonly string[] =>
  query.split('&').map((pair) => pair.slice(pair.indexOf('=') + 1))

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
