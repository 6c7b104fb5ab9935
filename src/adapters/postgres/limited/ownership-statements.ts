import type { ArchiveEntry } from '../archive/table-of-contents.ts'
import { is, tokensOf, type Token } from '../archive/tokens.ts'
import { identifier } from '../server/quote.ts'

/**
 * The statements of a superuser after a restore by a role without such rights: owners and privileges. Each is composed
 * from the words of the dump, never copied, since a definition may hold any SQL.
 */

/** Kinds whose name is given by the entry, with the words for them in ALTER. */
const named: { readonly [kind: string]: string } = {
  COLLATION: 'COLLATION',
  DOMAIN: 'DOMAIN',
  'MATERIALIZED VIEW': 'MATERIALIZED VIEW',
  SEQUENCE: 'SEQUENCE',
  STATISTICS: 'STATISTICS',
  TABLE: 'TABLE',
  'TEXT SEARCH CONFIGURATION': 'TEXT SEARCH CONFIGURATION',
  'TEXT SEARCH DICTIONARY': 'TEXT SEARCH DICTIONARY',
  TYPE: 'TYPE',
  VIEW: 'VIEW',
}
/** Kinds whose arguments are part of the name: the statement that drops them has it. */
const withArguments: readonly string[] = ['AGGREGATE', 'FUNCTION', 'PROCEDURE']

/**
 * The statement that gives the object of an entry to a role; null for an entry that has no owner of its own, such as an
 * index, and `unknown` where it cannot be composed.
 */
export function ownerStatement(entry: ArchiveEntry, owner: string): string | 'unknown' | null {
  const { kind, schema, name } = entry
  const alter = (object: string): string => `ALTER ${object} OWNER TO ${identifier(owner)}`
  if (kind === 'SCHEMA') return alter(`SCHEMA ${identifier(name)}`)
  if (kind === 'PUBLICATION') return alter(`PUBLICATION ${identifier(name)}`)
  if (kind === 'BLOB') return /^\d+$/.test(name) ? alter(`LARGE OBJECT ${name}`) : 'unknown'
  const words = named[kind]
  if (words !== undefined)
    return schema === null ? 'unknown' : alter(`${words} ${identifier(schema)}.${identifier(name)}`)
  if (!withArguments.includes(kind)) return null
  const tokens = tokensOf(entry.dropping)
  const end = is(tokens.at(-1), ';') ? -1 : tokens.length
  const object = plainText(tokens.slice(1, end))
  return is(tokens[0], 'DROP') && is(tokens[1], kind) && object !== null ? alter(object) : 'unknown'
}

/** Entries whose owner no statement here can change. */
const keepsOwner = ({ kind }: ArchiveEntry): boolean => kind === 'OPERATOR' || kind === 'BLOB METADATA'

/**
 * Who gets all objects at once: the owner of those that no statement here can give away, else of most. Objects without
 * an owner, of a dump without owners, belong to the superuser who restores.
 */
export function mainOwner(entries: readonly ArchiveEntry[], user: string): string {
  const counts = new Map<string, number>()
  for (const entry of entries) {
    if (entry.name === 'public' && entry.kind === 'SCHEMA') continue
    const owner = entry.owner ?? user
    if (keepsOwner(entry)) return owner
    if (ownerStatement(entry, owner) !== null) counts.set(owner, (counts.get(owner) ?? 0) + 1)
  }
  const [most] = [...counts].toSorted(([, one], [, other]) => other - one)
  return most?.[0] ?? user
}

/** Entries that cannot get their owner, since others of their kind have another. */
export const withoutOwner = (entries: readonly ArchiveEntry[], user: string): readonly ArchiveEntry[] => {
  const main = mainOwner(entries, user)
  return entries.filter((entry) => keepsOwner(entry) && (entry.owner ?? user) !== main)
}

/** What is granted in a database. Not roles, parameters, tablespaces or the database itself. */
const grantedOn = [
  'TABLE',
  'SEQUENCE',
  'FUNCTION',
  'PROCEDURE',
  'SCHEMA',
  'TYPE',
  'DOMAIN',
  'LANGUAGE',
  'LARGE',
]

/** The statements of an entry of privileges; null where there is anything else in it. */
export function grantStatements({ kind, name, definition }: ArchiveEntry): readonly string[] | null {
  // Not restored without --create.
  if (kind === 'ACL' && name.startsWith('DATABASE ')) return []
  const statements: string[] = []
  for (const tokens of statementsOf(tokensOf(definition))) {
    const text = plainText(tokens)
    if (text === null || !(kind === 'ACL' ? isGrant(tokens) || isSession(tokens) : isDefault(tokens)))
      return null
    statements.push(text)
  }
  return statements
}

/** Such as `GRANT SELECT(id),UPDATE ON TABLE public.t TO joe WITH GRANT OPTION`. */
function isGrant(tokens: readonly Token[]): boolean {
  const on = tokens.findIndex((token) => is(token, 'ON'))
  const grantee = tokens.findIndex((token) => is(token, 'TO', 'FROM'))
  return is(tokens[0], 'GRANT', 'REVOKE') && on > 0 && grantee > on && is(tokens[on + 1], ...grantedOn)
}

/** A grantor who is not the owner grants for itself. */
const isSession = (tokens: readonly Token[]): boolean =>
  (is(tokens[0], 'SET') &&
    is(tokens[1], 'SESSION') &&
    is(tokens[2], 'AUTHORIZATION') &&
    tokens.length === 4) ||
  (is(tokens[0], 'RESET') &&
    is(tokens[1], 'SESSION') &&
    is(tokens[2], 'AUTHORIZATION') &&
    tokens.length === 3)

const isDefault = (tokens: readonly Token[]): boolean =>
  is(tokens[0], 'ALTER') && is(tokens[1], 'DEFAULT') && is(tokens[2], 'PRIVILEGES')

function statementsOf(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const statements: Token[][] = [[]]
  for (const token of tokens) {
    if (is(token, ';')) statements.push([])
    else statements.at(-1)?.push(token)
  }
  return statements.filter((statement) => statement.length > 0)
}

/** Keywords, names, numbers and the signs of a list of arguments; null for anything else, such as a string constant. */
function plainText(tokens: readonly Token[]): string | null {
  const words = tokens.map((token) => {
    if (token.quoted) return token.word.includes('\0') ? null : identifier(token.word)
    return /^(?:[A-Za-z_][A-Za-z0-9_]*|\d+|[.,()[\]*])$/.test(token.word) ? token.word : null
  })
  return words.includes(null) ? null : words.join(' ')
}
