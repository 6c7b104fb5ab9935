import type { RowsBeforeAndAfter } from '../../model/step.ts'
import type { RunRecord } from '../../run/record/record.ts'
import { code, literal, paragraph, strong, table, type Block, type Inline } from '../document.ts'

/** For each step that exchanged data, the tables whose number of rows differs. */
export function dataBeforeAndAfter({ steps }: RunRecord): readonly Block[] {
  return steps.flatMap(({ title, rows, undone }) => {
    if (rows === undefined) return []
    const ended = undone === 'undone' ? ', which was undone' : ''
    return [paragraph(title, `${ended}:`), ...comparison(rows)]
  })
}

function comparison({ before, after }: RowsBeforeAndAfter): readonly Block[] {
  const [was, is] = [countsIn(before), countsIn(after)]
  const names = [...new Set([...was.keys(), ...is.keys()])].sort()
  const differing = names.filter((name) => was.get(name) !== is.get(name))
  const equal = names.length - differing.length
  const rows = differing.map((name): readonly Inline[] => {
    const [one, other] = [was.get(name), is.get(name)]
    return [
      code(name),
      one === undefined ? 'not there' : String(one),
      other === undefined ? strong('not there') : String(other),
      literal(signed((other ?? 0) - (one ?? 0))),
    ]
  })
  return [
    ...(rows.length === 0 ? [] : [table(['Table', 'Rows before', 'Rows after', 'Difference'], rows)]),
    paragraph(
      `${equal} ${rows.length === 0 ? '' : 'other '}${equal === 1 ? 'table has' : 'tables have'} as many rows as before. Updated rows are not counted.`,
    ),
  ]
}

const countsIn = (counts: RowsBeforeAndAfter['before']): ReadonlyMap<string, number> =>
  new Map(counts.map(({ table: name, rows }) => [name, rows]))

const signed = (difference: number): string => (difference > 0 ? `+${difference}` : String(difference))
