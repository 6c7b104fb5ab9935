import type { ServiceFacts } from './facts.ts'

/** A sign that a service connects to a host. */
export type Connection = {
  readonly host: string
  /** Of the database; null where it is not said. */
  readonly name: string | null
  readonly user: string | null
}

const plain = /^[\w.$-]+$/
/** @param password how much of the text a password may be: it may hold an @ that should have been encoded */
const urlWith = (password: '*' | '*?'): RegExp =>
  new RegExp(
    String.raw`([a-z][\w+.:-]*)://(?:([^:@/\s]+)(?::[^\s]${password})?@)?((?:\[[\da-f:]+\]|[\w.-]+)(?::\d+)?(?:,[\w.-]+(?::\d+)?)*)(?:/([^\s?"'&;#]*))?`,
    'gi',
  )
const urls = [urlWith('*?'), urlWith('*')]

/** The hosts of a service's variables and command, with the database where they name it. Passwords stay behind. */
export function connectionsOf({ environment, words }: ServiceFacts): readonly Connection[] {
  const texts = [...Object.values(environment), ...words]
  const named = Object.entries(environment).flatMap(([key, value]) => hostVariable(key, value, environment))
  return [...texts.flatMap(inUrls), ...texts.flatMap(inPairs), ...named, ...words.flatMap(inWord)]
}

function inUrls(text: string): readonly Connection[] {
  // Both readings: only hosts that are known count, so a wrong one does not matter.
  return urls
    .flatMap((url) => [...text.matchAll(url)])
    .flatMap(([, scheme = '', user, hosts = '', path = '']) => {
      const isDatabase = /postgres|pgsql|pgx|postgis|jdbc|psycopg|timescale/i.test(scheme)
      const name = decoded(path.split('/')[0] ?? '')
      return hosts.split(',').map((host) => ({
        host: withoutPort(host),
        name: isDatabase && plain.test(name) ? name : null,
        user: isDatabase && user !== undefined && plain.test(decoded(user)) ? decoded(user) : null,
      }))
    })
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** `host=db dbname='the shop' user=shop`, and `Server=db;Database=the shop;User Id=shop` of .NET. */
function inPairs(text: string): readonly Connection[] {
  const pairs = pairsIn(text)
  const of = (names: RegExp): string | null => pairs.find(([key]) => names.test(key))?.[1] ?? null
  const host = of(/^(?:host|server|data source)$/i)
  if (host === null || !/^[\w.:$-]+$/.test(host) || !/[\s;]/.test(text)) return []
  return [
    {
      host: withoutPort(host),
      name: of(/^(?:dbname|database|initial catalog)$/i),
      user: of(/^(?:user|user id|uid|username|user name)$/i),
    },
  ]
}

const quotedText = String.raw`'(?:[^'\\]|\\.)*'`

/** In the form of .NET, blanks belong to keys and values; in that of libpq, a value with blanks is quoted. */
function pairsIn(text: string): readonly (readonly [key: string, value: string])[] {
  const isDotNet = text.replaceAll(new RegExp(quotedText, 'g'), '').includes(';')
  const pair = isDotNet
    ? `(?<=^|[;"']|\\s)(\\w+(?: \\w+)?)\\s*=\\s*(${quotedText}|[^;'"]+)`
    : `(?<=^|["']|\\s)(\\w+)\\s*=\\s*(${quotedText}|[^\\s'"]+)`
  return [...text.matchAll(new RegExp(pair, 'g'))].map(([, key = '', value = '']) => [
    key,
    (value.startsWith("'") ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1') : value).trim(),
  ])
}

const withoutPort = (host: string): string => host.replace(/:\d+$/, '').toLowerCase()

/** A word of a command, such as `--db-host=db` or `db:5432`. */
function inWord(word: string): readonly Connection[] {
  return word
    .split(/[\s=,'"]+/)
    .filter((part) => /^[\w.-]+(?::\d+)?$/.test(part))
    .map((part) => ({ host: withoutPort(part), name: null, user: null }))
}

/** A variable whose value is a host, with the variables that go with it. */
function hostVariable(
  key: string,
  value: string,
  environment: ServiceFacts['environment'],
): readonly Connection[] {
  if (!/^[\w.-]+(?::\d+)?$/.test(value) || !/host|server|addr|url|endpoint|_db$|^db$/i.test(key)) return []
  return [
    {
      host: withoutPort(value),
      name: beside(
        key,
        environment,
        /(?:^|[_.]|__)(?:db|database|dbname|dbase)(?:[_.-]?name)?$|^pgdatabase$/i,
        'name',
      ),
      user: beside(key, environment, /(?:^|[_.]|__)(?:user|username|user[_.-]name|usr)$|^pguser$/i, 'user'),
    },
  ]
}

/** The value of the variable of a kind that shares the longest beginning with another one. */
function beside(
  key: string,
  environment: ServiceFacts['environment'],
  kind: RegExp,
  what: 'name' | 'user',
): string | null {
  const found = Object.entries(environment)
    .filter(([name, value]) => name !== key && isOfKind(name, kind, what) && plain.test(value))
    .map(([name, value]) => ({ value, shared: sharedBeginning(name, key) }))
    .filter(({ shared }) => shared > 0)
    .toSorted((one, other) => other.shared - one.shared)
  return found[0]?.value ?? null
}

/** `DB_NAME` and `GITEA__database__NAME` name a database, `APP_NAME` does not. */
const isOfKind = (name: string, kind: RegExp, what: 'name' | 'user'): boolean =>
  kind.test(name) || (what === 'name' && /(?:db|database|postgres|pg|sql).*(?:[_.]|__)name$/i.test(name))

function sharedBeginning(one: string, other: string): number {
  let shared = 0
  while (shared < one.length && one[shared]?.toLowerCase() === other[shared]?.toLowerCase()) shared += 1
  return shared
}
