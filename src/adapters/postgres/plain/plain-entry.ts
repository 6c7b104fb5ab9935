import type { ArchiveEntry } from '../archive/table-of-contents.ts'
import { tokensOf, type Token } from '../archive/tokens.ts'
import { identifier } from '../server/quote.ts'

/**
 * An object of a plain dump: pg_dump writes a comment before each with what its table of contents says of it in the
 * other formats (_printTocEntry() of pg_backup_archiver.c).
 */
export type PlainEntry = {
  readonly id: number
  readonly kind: string
  readonly name: string
  readonly schema: string | null
  readonly owner: string | null
  readonly tablespace: string | null
  /** The statements that create it; not those of data. */
  readonly statements: string[]
  /** The statement that sets its owner; null without one. */
  owning: string | null
  /** Lines of its COPY; null where it has none, or one of another table, or INSERT statements. */
  rows: number | null
}

const heading =
  /^-- (?:Data for )?Name: (?<name>.*); Type: (?<kind>[A-Z][A-Z ]*); Schema: (?<schema>.*); Owner: ?(?<owner>.*?)(?:; Tablespace: (?<tablespace>.*))?$/

/** The entry that a comment begins; null for any other comment. */
export function entryOf(comment: string, id: number): PlainEntry | null {
  const found = heading.exec(comment)?.groups
  if (found === undefined) return null
  const { name = '', kind = '', schema = '', owner = '', tablespace } = found
  const orNull = (text: string): string | null => (text === '' || text === '-' ? null : text)
  return {
    id,
    kind,
    name,
    schema: orNull(schema),
    owner: orNull(owner),
    tablespace: tablespace ?? null,
    statements: [],
    owning: null,
    rows: kind === 'TABLE DATA' ? 0 : null,
  }
}

/** A statement that no heading announces, as an entry of a kind that is not known to be harmless. */
export const looseEntry = (statement: string, id: number): PlainEntry => ({
  id,
  kind: 'STATEMENT',
  name: statement.slice(0, 60).replaceAll(/\s+/g, ' '),
  schema: null,
  owner: null,
  tablespace: null,
  statements: [statement],
  owning: null,
  rows: null,
})

const nowhere = { start: 0, end: 0 }

/** As in a table of contents. */
export const asArchiveEntry = (entry: PlainEntry): ArchiveEntry => ({
  id: entry.id,
  // A script names no dependencies: its order is one that holds them.
  needs: [],
  kind: entry.kind,
  name: entry.name,
  schema: entry.schema,
  owner: entry.owner,
  tablespace: entry.tablespace,
  // As in an archive, a comment for the schema that initdb has created.
  definition: entry.statements.join('\n') || (entry.kind === 'SCHEMA' ? '--' : ''),
  at: { kind: nowhere, definition: nowhere },
  dropping: droppingOf(entry),
  hasData: entry.kind === 'TABLE DATA',
})

/** A plain dump says how a function is dropped only with --clean; its owner, or else its heading, has its full name. */
function droppingOf({ kind, name, schema, owning }: PlainEntry): string {
  if (!['FUNCTION', 'PROCEDURE', 'AGGREGATE'].includes(kind)) return ''
  const owned = owning === null ? null : /^ALTER (.*) OWNER TO \S[^;]*;$/s.exec(owning)
  if (owned !== null) return `DROP ${owned[1]};`
  const [bare] = /^[a-z_][a-z0-9_]*(?=\()/.exec(name) ?? []
  return schema === null || bare === undefined
    ? ''
    : `DROP ${kind} ${identifier(schema)}.${identifier(bare)}${name.slice(bare.length)};`
}

/** The first words of a statement, in capitals unless quoted. */
export const wordsOf = (statement: string): readonly string[] =>
  tokensOf(statement.slice(0, 200))
    .slice(0, 4)
    .map(({ word, quoted }) => (quoted ? `"${word}"` : word.toUpperCase()))

/** Of `COPY schema.table (…) FROM stdin;`. */
export function copiedTable(statement: string): { readonly schema: string; readonly name: string } | null {
  const [, schema, dot, name] = tokensOf(statement.slice(0, 1024))
  return dot?.word === '.' && schema !== undefined && name !== undefined
    ? { schema: schema.word, name: name.word }
    : null
}

/** Whether it only sets an owner: `ALTER TABLE app.orders OWNER TO shop;`. */
export function setsOwner(statement: string): boolean {
  if (!/^ALTER\s[\s\S]*\sOWNER TO\s[^;]*;$/.test(statement)) return false
  const [owner, to, role, end]: readonly (Token | undefined)[] = tokensOf(statement).slice(-4)
  return [owner?.word, to?.word, end?.word].join(' ') === 'OWNER TO ;' && role !== undefined && !owner?.quoted
}
