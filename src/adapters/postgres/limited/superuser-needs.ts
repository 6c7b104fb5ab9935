import { grantStatements, ownerStatement, withoutOwner } from './ownership-statements.ts'
import { extensionOf } from './extensions.ts'
import type { ArchiveEntry } from '../archive/table-of-contents.ts'
import { is, tokensOf, type Token } from '../archive/tokens.ts'

/** What the server says about the rights that a definition needs. */
export type ServerRules = {
  /** Procedural languages in which everybody may write functions. */
  readonly trustedLanguages: readonly string[]
  /** Settings that only a superuser may change. */
  readonly superuserSettings: readonly string[]
  /** Owner of the objects of a dump without owners. */
  readonly user: string
}

/**
 * What of a dump only a superuser can restore, each as a few words for people. Empty where a role that owns nothing but
 * the copy can restore it, so kinds that are not known to be harmless are listed too.
 */
export function superuserNeeds(entries: readonly ArchiveEntry[], rules: ServerRules): readonly string[] {
  const needs = [
    ...entries.flatMap((entry) => needOf(entry, rules) ?? []),
    ...withoutOwner(entries, rules.user).map(
      ({ kind, name }) => `${kind.toLowerCase()} ${name} of another owner`,
    ),
  ]
  const refreshes = entries.some(({ kind }) => kind === 'MATERIALIZED VIEW DATA')
  const forced = entries.find(
    ({ kind, definition }) => kind === 'TABLE' && definition.includes(' FORCE ROW LEVEL SECURITY'),
  )
  if (refreshes && forced !== undefined)
    needs.push(`materialized views beside the row security of ${titleOf(forced)}, which binds its owner`)
  const made = new Set(
    entries.flatMap(({ kind, schema, name }) => (kind === 'SEQUENCE' ? [`${schema}.${name}`] : [])),
  )
  for (const { kind, schema, name } of entries)
    if (kind === 'SEQUENCE SET' && !made.has(`${schema}.${name}`))
      needs.push(`the sequence ${name} of an extension`)
  return [...new Set(needs)]
}

/** What of a dump every role but a superuser is refused, whatever it owns, each as a few words for people. */
export const refusedToOthers = (
  entries: readonly ArchiveEntry[],
  rules: Omit<ServerRules, 'user' | 'superuserSettings'>,
): readonly string[] => [
  ...new Set(
    entries.flatMap(
      (entry) =>
        (superuserOnly.has(entry.kind)
          ? titleOf(entry)
          : needOfDefinition(entry, { ...rules, superuserSettings: [] })) ?? [],
    ),
  ),
]

const superuserOnly = new Set([
  'ACCESS METHOD',
  'EVENT TRIGGER',
  'FOREIGN DATA WRAPPER',
  'OPERATOR CLASS',
  'OPERATOR FAMILY',
  'TEXT SEARCH PARSER',
  'TEXT SEARCH TEMPLATE',
])

/** Kinds that the owner of a database and its schemas can create, whatever their definition. */
const harmless = new Set([
  'BLOB COMMENTS',
  'BLOB METADATA',
  'BLOB',
  'BLOBS',
  'CHECK CONSTRAINT',
  'COLLATION',
  'COMMENT',
  'CONSTRAINT',
  'DATABASE PROPERTIES',
  'DATABASE',
  'DEFAULT',
  'DOMAIN',
  'ENCODING',
  'FK CONSTRAINT',
  'INDEX ATTACH',
  'INDEX',
  'MATERIALIZED VIEW DATA',
  'MATERIALIZED VIEW',
  'OPERATOR',
  'POLICY',
  'PUBLICATION TABLE',
  'ROW SECURITY',
  'RULE',
  'SCHEMA',
  'SEARCHPATH',
  'SEQUENCE OWNED BY',
  'SEQUENCE SET',
  'SEQUENCE',
  'STATISTICS DATA',
  'STATISTICS',
  'STDSTRINGS',
  // Never restored.
  'SUBSCRIPTION',
  'TABLE ATTACH',
  'TABLE DATA',
  'TABLE',
  'TEXT SEARCH CONFIGURATION',
  'TEXT SEARCH DICTIONARY',
  'TRIGGER',
  'VIEW',
])

function needOf(entry: ArchiveEntry, rules: ServerRules): string | null {
  const { kind, tablespace } = entry
  if (tablespace !== null && tablespace !== '') return `${titleOf(entry)} in the tablespace ${tablespace}`
  if (kind === 'ACL' || kind === 'DEFAULT ACL')
    return grantStatements(entry) === null ? `the privileges of ${entry.name}` : null
  if (kind === 'EXTENSION') return extensionOf(entry) === null ? titleOf(entry) : null
  if (ownerStatement(entry, rules.user) === 'unknown')
    return `${titleOf(entry)}, whose full name is not clear`
  const byDefinition = needOfDefinition(entry, rules)
  return byDefinition === undefined ? (harmless.has(kind) ? null : titleOf(entry)) : byDefinition
}

/** Undefined for a kind whose definition says nothing about it. */
function needOfDefinition(entry: ArchiveEntry, rules: Omit<ServerRules, 'user'>): string | null | undefined {
  const { kind, definition } = entry
  if (kind === 'FUNCTION' || kind === 'PROCEDURE') return routineNeed(entry, rules)
  if (kind === 'AGGREGATE')
    return /\bM?STYPE = "?internal"?/.test(definition) ? `${titleOf(entry)} with an internal state` : null
  if (kind === 'TYPE') return isBaseType(tokensOf(definition)) ? titleOf(entry) : null
  if (kind === 'PUBLICATION')
    return /\bFOR (?:ALL TABLES|TABLES IN SCHEMA)\b/.test(definition)
      ? `${titleOf(entry)} of all tables`
      : null
  return undefined
}

/** The part before the body: pg_dump begins a line with it, or with a library for a function in C. */
const headOf = (definition: string): string =>
  definition.split(/\n {4}(?:AS|BEGIN ATOMIC|RETURN) /, 1)[0] ?? ''

function routineNeed(
  entry: ArchiveEntry,
  { trustedLanguages, superuserSettings }: Omit<ServerRules, 'user'>,
): string | null {
  const tokens = tokensOf(headOf(entry.definition))
  const after = (word: string): readonly Token[] =>
    tokens.flatMap((token, at) => (is(token, word) ? (tokens[at + 1] ?? []) : []))
  const language = after('LANGUAGE').at(-1)?.word ?? 'unknown'
  if (!['sql', 'plpgsql', ...trustedLanguages].includes(language)) return `${titleOf(entry)} in ${language}`
  if (tokens.some((token) => is(token, 'LEAKPROOF', 'SUPPORT')))
    return `${titleOf(entry)}, which is trusted to be leakproof`
  const setting = after('SET').find(({ word }) => superuserSettings.includes(word.toLowerCase()))
  return setting === undefined ? null : `${titleOf(entry)}, which sets ${setting.word}`
}

/** Any but an enum, a range or a composite type, whose definition continues with AS: a base type has functions in C. */
const isBaseType = (tokens: readonly Token[]): boolean => {
  const name = is(tokens[3], '.') ? 5 : 3
  return !is(tokens[name], 'AS')
}

const titleOf = ({ kind, name }: ArchiveEntry): string => `${kind.toLowerCase()} ${name}`
