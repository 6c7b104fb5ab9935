import type { Patch } from '../../unwrap/dump-stream.ts'
import type { ArchiveEntry, Place } from '../archive/table-of-contents.ts'
import { is, tokensOf } from '../archive/tokens.ts'
import { identifier, literal } from '../server/quote.ts'

export type Extension = { readonly name: string; readonly schema: string }

/** Null for a definition that pg_dump does not write. */
export function extensionOf({ definition }: Pick<ArchiveEntry, 'definition'>): Extension | null {
  const tokens = tokensOf(definition)
  const [name, schema] = [tokens[5], tokens[8]]
  const words = ['CREATE', 'EXTENSION', 'IF', 'NOT', 'EXISTS', null, 'WITH', 'SCHEMA', null, ';']
  const fits =
    tokens.length === words.length && words.every((word, at) => word === null || is(tokens[at], word))
  return fits && name !== undefined && schema !== undefined ? { name: name.word, schema: schema.word } : null
}

const isOfExtension = ({ kind, name }: ArchiveEntry): boolean =>
  kind === 'EXTENSION' || (kind === 'COMMENT' && name.startsWith('EXTENSION '))

/** Those that a superuser restores before the others: extensions, their comments, and the schemas that they are in. */
export function preparedEntries(entries: readonly ArchiveEntry[]): readonly ArchiveEntry[] {
  const schemas = new Set(extensionsIn(entries).map(({ schema }) => schema))
  return entries.filter((entry) => isOfExtension(entry) || (createsSchema(entry) && schemas.has(entry.name)))
}

/** initdb has created the usual `public`: the definition is a comment then. */
const createsSchema = ({ kind, definition }: ArchiveEntry): boolean =>
  kind === 'SCHEMA' && !definition.startsWith('--')

/**
 * What pg_restore reads in place of these entries: comments. Under another kind, since pg_restore before 15 composes
 * the statement of a schema itself where it restores no owners.
 */
export const asComments = (entries: readonly ArchiveEntry[]): readonly Patch[] =>
  entries.flatMap(({ kind, at }) => [
    { start: at.kind.start, bytes: Buffer.from(kind.toLowerCase()) },
    { start: at.definition.start, bytes: commentOf(at.definition) },
  ])

const commentOf = ({ start, end }: Place): Buffer =>
  Buffer.from(`${'-'.repeat(Math.max(0, end - start - 1))}\n`).subarray(0, end - start)

export const extensionsIn = (entries: readonly ArchiveEntry[]): readonly Extension[] =>
  entries.flatMap((entry) => (entry.kind === 'EXTENSION' ? (extensionOf(entry) ?? []) : []))

/**
 * Tables of extensions with data in the dump: pg_dump lists no definition for them.
 */
export function extensionTables(entries: readonly ArchiveEntry[]): readonly ArchiveEntry[] {
  const key = ({ schema, name }: ArchiveEntry): string => JSON.stringify([schema, name])
  const defined = new Set(entries.filter(({ kind }) => kind === 'TABLE').map(key))
  return entries.filter((entry) => entry.kind === 'TABLE DATA' && !defined.has(key(entry)))
}

/** Composed from what the comments say, never copied: a definition may hold any SQL. */
export function commentStatements(entries: readonly ArchiveEntry[]): readonly string[] {
  return entries.flatMap((entry) => {
    if (entry.kind !== 'COMMENT' || !isOfExtension(entry)) return []
    const tokens = tokensOf(entry.definition)
    const [name, text] = [tokens[3], tokens[5]]
    const words = ['COMMENT', 'ON', 'EXTENSION', null, 'IS', null, ';']
    const fits =
      tokens.length === words.length && words.every((word, at) => word === null || is(tokens[at], word))
    if (!fits || name === undefined || text === undefined || text.quoted || !/^'[^]*'$/.test(text.word))
      return []
    const comment = text.word.slice(1, -1).replaceAll("''", "'")
    return [`COMMENT ON EXTENSION ${identifier(name.word)} IS ${literal(comment)}`]
  })
}
