import {
  defineStep,
  failureOf,
  isPending,
  say,
  type Copy,
  type Database,
  type Finding,
} from '../../src/index.ts'
import { selectionOf, missingRows } from './lib/row-selection.ts'

type Input = {
  readonly database: Database
  readonly copy: Copy
  readonly tables: string
  readonly key: string
}

export type Compared = {
  readonly missing: number
  readonly tables: readonly { readonly table: string; readonly missing: number; readonly there: number }[]
}

/**
 * Compares rows of the backup with the live ones.
 * @throws RunbookError `preflight` where a live row with the same key differs, the columns differ, or the
 * backup has no such rows
 */
export const compareRows = defineStep<Input, Compared>({
  kind: 'databases.compare-rows',
  version: 1,
  effect: 'observe',
  describe: ({ tables }) =>
    say`Finds the rows of ${tables} that the backup has and the live database lacks, and checks that no row with the same key differs.`,
  preflight: async (_look, { tables }) => (isPending(tables) ? [] : malformed(tables)),
  run: async (look, { database, copy, tables, key }) => {
    const { counts } = await missingRows(look, database, copy.name, selectionOf(tables), key)
    for (const { table, missing, there } of counts)
      look.note(`${table}: ${missing} missing, ${there} present`)
    return { missing: counts.reduce((sum, { missing }) => sum + missing, 0), tables: counts }
  },
})

function malformed(tables: string): readonly Finding[] {
  try {
    selectionOf(tables)
    return []
  } catch (thrown) {
    const { message, hint } = failureOf(thrown)
    return [{ level: 'refuse', about: '--tables', problem: message, hint: hint ?? 'write TABLE:COLUMN' }]
  }
}
