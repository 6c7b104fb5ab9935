import type { Contents, Dump } from '../../../src/index.ts'
import { firstOf } from './first-of.ts'

/** Of one kind; a restore of an old schema may lack hundreds. */
const mostNamed = 12

/**
 * What live has and the dump lacks, without tables that have rows: what needs it fails in the copy, before anything is
 * exchanged. Parts of what is lacking anyway, such as its indexes, are not listed. Pure.
 */
export function otherObjects(
  live: Contents,
  { engine, tables, contents }: Dump,
  strategy: 'beside' | 'in-place',
): string {
  if (contents === undefined) return 'unknown'
  const stays = engine === 'postgres' && strategy === 'in-place'
  const dumped = new Set([...tables, ...contents.rows.map(({ table }) => table), ...contents.withoutData])
  const absent = live.tables.filter(({ table }) => !dumped.has(table))
  const lines = Object.entries({
    'empty tables': absent.filter(({ rows }) => rows === 0).map(({ table }) => table),
    ...(stays ? { tables: absent.filter(({ rows }) => rows > 0).map(({ table }) => table) } : {}),
    schemas: live.schemas.filter((name) => !contents.schemas.includes(name)),
    sequences: live.sequences.filter((name) => !contents.sequences.includes(name)),
    extensions: live.extensions.filter((name) => !contents.extensions.includes(name)),
  }).flatMap(([what, names]) => (names.length === 0 ? [] : [`${what} ${firstOf(names, mostNamed)}`]))
  const all = [...lines, ...lackingKinds(live, contents.objects, absent.map(titleOf))]
  if (all.length === 0) return 'none'
  return `${all.join('; ')}${stays ? ' (they stay as they are)' : ''}`
}

/**
 * One clause for each kind, such as `view: public.sales`, of what is lacking besides tables with rows, schemas, sequences
 * and extensions.
 * @param dumped titles of what the dump has; undefined where that is not known
 * @param absent titles of tables that it lacks
 */
export function lackingKinds(
  { tables, objects }: Pick<Contents, 'tables' | 'objects'>,
  dumped: readonly string[] | undefined,
  absent: readonly string[],
): readonly string[] {
  if (dumped === undefined) return ['views, functions, privileges and the like are not known of this dump']
  if (typeof objects === 'string')
    return [`views, functions, privileges and the like are unknown: ${objects}`]
  const [there, withRows] = [new Set(dumped), new Set(tables.map(titleOf))]
  const lacking = new Set([...absent, ...objects.flatMap(({ title }) => (there.has(title) ? [] : [title]))])
  const named = objects.filter(
    ({ title, partOf }) =>
      lacking.has(title) &&
      !withRows.has(title) &&
      !/^(?:schema|sequence|extension): /.test(title) &&
      !partOf.some((one) => lacking.has(one)),
  )
  const kinds = new Map<string, string[]>()
  for (const { title } of named) {
    const [kind, name] = [title.slice(0, title.indexOf(': ')), title.slice(title.indexOf(': ') + 2)]
    kinds.set(kind, [...(kinds.get(kind) ?? []), name])
  }
  return [...kinds].map(([kind, names]) => `${kind}: ${firstOf([...new Set(names)].toSorted(), mostNamed)}`)
}

export const titleOf = ({ table }: { readonly table: string }): string => `table: ${table}`
