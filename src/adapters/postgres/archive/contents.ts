import type { DumpContents } from '../../../drivers/databases.ts'
import { qualifiedName } from '../../../kernel/qualified-name.ts'
import { objectsOf } from './objects.ts'
import type { ArchiveEntry } from './table-of-contents.ts'
import { is, tokensOf, type Token } from './tokens.ts'

/** Tables with data, as `schema.table`, sorted. */
export const tablesIn = (entries: readonly ArchiveEntry[]): readonly string[] =>
  qualified(entries, 'TABLE DATA')

const qualified = (entries: readonly ArchiveEntry[], of: string): readonly string[] =>
  entries
    .filter(({ kind }) => kind === of)
    .map(({ schema, name }) => qualifiedName(schema ?? 'public', name))
    .toSorted()

/**
 * What its table of contents names besides tables; as `Contents` names it.
 * @param empty ids of the blocks without rows
 */
export function contentsOf(entries: readonly ArchiveEntry[], empty: ReadonlySet<number>): DumpContents {
  const withData = new Set(tablesIn(entries))
  const sorted = (names: readonly string[]): readonly string[] => [...new Set(names)].toSorted()
  return {
    rows: tablesIn(entries.filter(({ id }) => empty.has(id))).map((table) => ({ table, rows: 0 })),
    withoutData: qualified(entries, 'TABLE').filter((table) => !withData.has(table)),
    schemas: sorted(namesOf(entries, 'SCHEMA').filter((name) => name !== 'public')),
    sequences: qualified(entries, 'SEQUENCE'),
    extensions: sorted(namesOf(entries, 'EXTENSION').filter((name) => name !== 'plpgsql')),
    largeObjects: entries.some(({ kind }) => kind.startsWith('BLOB')),
    objects: sorted(objectsOf(entries).map(({ title }) => title)),
  }
}

/** What a dump requires from a server. */
export type DumpNeeds = {
  readonly owners: readonly string[]
  readonly grantees: readonly string[]
  readonly extensions: readonly string[]
}

/** What a restore without `--create` requires: the database itself, its owner and its grants do not count. */
export function needsOf(entries: readonly ArchiveEntry[]): DumpNeeds {
  const restored = entries.filter(
    ({ kind, name }) => !kind.startsWith('DATABASE') && !(kind === 'ACL' && name.startsWith('DATABASE ')),
  )
  const definitions = (...kinds: readonly string[]): readonly string[] =>
    restored.filter(({ kind }) => kinds.includes(kind)).map(({ definition }) => definition)
  const sorted = (names: Iterable<string>): readonly string[] => [...new Set(names)].toSorted()
  return {
    owners: sorted(restored.flatMap(({ owner }) => owner ?? [])),
    grantees: sorted([
      ...definitions('ACL', 'DEFAULT ACL').flatMap((sql) => rolesAfterTo(tokensOf(sql))),
      ...definitions('POLICY').flatMap((sql) => rolesAfterTo(beforeConditions(tokensOf(sql)))),
    ]),
    extensions: sorted(restored.filter(({ kind }) => kind === 'EXTENSION').map(({ name }) => name)),
  }
}

/** Names of the entries of a kind. */
export const namesOf = (entries: readonly ArchiveEntry[], kind: string): readonly string[] =>
  entries.filter((entry) => entry.kind === kind).map(({ name }) => name)

/** Whether the dump creates the schema `public`, as one of a single schema does; initdb made the usual one. */
export const createsPublic = (entries: readonly ArchiveEntry[]): boolean =>
  entries.some(
    ({ kind, name, definition }) =>
      kind === 'SCHEMA' && name === 'public' && /^CREATE SCHEMA /m.test(definition),
  )

/** The roles of each `TO a, b` in GRANT, ALTER DEFAULT PRIVILEGES and CREATE POLICY; not PUBLIC. */
function rolesAfterTo(tokens: readonly Token[]): readonly string[] {
  const roles: string[] = []
  for (let at = 0; at < tokens.length; at++) {
    if (!is(tokens[at], 'TO')) continue
    do {
      const role = tokens[(at += 1)]
      if (role !== undefined && !is(role, 'PUBLIC')) roles.push(role.word)
    } while (is(tokens[(at += 1)], ','))
  }
  return roles
}

/** A condition of a policy is any expression. */
function beforeConditions(tokens: readonly Token[]): readonly Token[] {
  const end = tokens.findIndex((token) => is(token, 'USING') || is(token, 'WITH'))
  return end < 0 ? tokens : tokens.slice(0, end)
}
