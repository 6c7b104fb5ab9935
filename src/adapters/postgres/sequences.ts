import type { Numbered, TableRows } from '../../drivers/databases.ts'
import { literal } from './server/quote.ts'

/** Steps of a sequence that are taken one by one. */
const fewSteps = 100_000

/** The sequences of a table by the number of their column: owned ones, and those that a default names. */
export const sequencesOf = (table: string): string => `(
  SELECT d.refobjsubid AS attnum, d.objid AS seq FROM pg_catalog.pg_depend AS d
  WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = ${table} AND d.deptype IN ('a', 'i')
  UNION SELECT f.adnum, d.refobjid FROM pg_catalog.pg_attrdef AS f JOIN pg_catalog.pg_depend AS d ON d.classid = 'pg_catalog.pg_attrdef'::regclass
    AND d.objid = f.oid AND d.refclassid = 'pg_catalog.pg_class'::regclass WHERE f.adrelid = ${table})`

/** JSON as `TableRows.numbered`, without sequences that were never used or cannot be read. */
export const numberedSql = (table: string): string => `(
  SELECT coalesce(json_agg(json_build_object('column', a.attname, 'last', last.value::text, 'by', s.seqincrement::text)), '[]')
  FROM ${sequencesOf(table)} AS o JOIN pg_catalog.pg_sequence AS s ON s.seqrelid = o.seq JOIN pg_catalog.pg_attribute AS a ON a.attrelid = ${table} AND a.attnum = o.attnum,
    LATERAL (SELECT CASE WHEN pg_catalog.has_sequence_privilege(s.seqrelid, 'USAGE, SELECT') THEN pg_catalog.pg_sequence_last_value(s.seqrelid) END AS value) AS last
  WHERE last.value IS NOT NULL)`

/**
 * Advances the sequences of a table past the numbers that were inserted; empty where none had given one. Numbers that a
 * person chose may be far beyond the sequence, so only those count that it had reached where the rows come from.
 * `nextval` never sets it back, whatever others do meanwhile.
 * @param table quoted
 */
export function advanceScript(
  table: string,
  { columns, numbered = [], rows }: Pick<TableRows, 'columns' | 'numbered' | 'rows'>,
): string {
  const wanted = numbered.flatMap((one) => {
    const at = columns.indexOf(one.column)
    const number = furthest(
      rows.map((row) => row[at]?.[1]),
      one,
    )
    return number === null ? [] : [`(${literal(one.column)}, ${number}::bigint)`]
  })
  if (wanted.length === 0) return ''
  return `DO ${literal(`DECLARE one record;
BEGIN
  FOR one IN SELECT o.seq, w.number, ceil((w.number::numeric - coalesce(pg_sequence_last_value(o.seq), s.seqstart - s.seqincrement)) / s.seqincrement) AS steps
    FROM (VALUES ${wanted.join(', ')}) AS w (name, number) JOIN pg_attribute AS a ON a.attrelid = ${literal(table)}::regclass AND a.attname = w.name
    JOIN LATERAL ${sequencesOf('a.attrelid')} AS o ON o.attnum = a.attnum JOIN pg_sequence AS s ON s.seqrelid = o.seq WHERE NOT s.seqcycle LOOP
    IF one.steps > ${fewSteps} THEN PERFORM setval(one.seq, one.number);
    ELSIF one.steps > 0 THEN PERFORM nextval(one.seq) FROM generate_series(1, one.steps); END IF;
  END LOOP;
END`)};`
}

/** In the direction of the sequence; null where it had given none of them. */
function furthest(values: readonly (string | undefined)[], { last, by }: Numbered): bigint | null {
  const up = BigInt(by) > 0n
  const given = values
    .filter((value): value is string => value !== undefined && /^-?\d+$/.test(value))
    .map(BigInt)
    .filter((value) => (up ? value <= BigInt(last) : value >= BigInt(last)))
  return given.length === 0 ? null : given.reduce((one, other) => (other > one === up ? other : one))
}
