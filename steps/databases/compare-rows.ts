import {
  defineStep,
  digestOf,
  isPending,
  RunbookError,
  say,
  type Copy,
  type Database,
  type Finding,
} from '../../src/index.ts'
import { keysIn, malformed, missingRows, rowPrints } from './lib/row-selection.ts'

type Input = {
  readonly database: Database
  readonly copy: Copy
  readonly tables: string
  /** Keys separated by commas; null for all that are missing. */
  readonly key: string | null
  /** Must be given where there is no key. Missing in plans of earlier versions, which have one. */
  readonly allMissing?: boolean
}

export type Compared = {
  /** As in `Identity`: the live database. Missing in older journals. */
  readonly instance?: string
  readonly missing: number
  readonly tables: readonly { readonly table: string; readonly missing: number; readonly there: number }[]
  /** The same for people. */
  readonly told: string
  /** Of the missing rows as they are in the backup. Missing in older journals. */
  readonly digest?: string
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
  lookAgain: true,
  volatile: ['instance'],
  describe: ({ tables }) =>
    say`Finds the rows of ${tables} that the backup has and the live database lacks, and checks that no row with the same key differs.`,
  preflight: async (_look, { tables, key, allMissing = false }) => [
    ...malformed({ tables, key }),
    ...(isPending(key) || isPending(allMissing) || (key === null) === allMissing ? [] : [oneOfBoth]),
  ],
  run: async (look, { database, copy, tables, key }) => {
    const keys = await keysIn(look, database, copy.name, { tables, key })
    if (keys.flat().length === 0)
      throw new RunbookError('preflight', `the live database has every key of ${tables} in the backup`, {
        hint: 'nothing is to be recovered by these columns; choose other ones, or an older backup',
      })
    const { batch, counts } = await missingRows(
      look,
      { database, name: copy.name },
      { database, name: database.name },
      tables,
      keys,
    )
    for (const { table, missing, there } of counts)
      look.note(`${table}: ${missing} missing, ${there} present`)
    const { instance } = await look.databases.identity(database)
    return {
      instance,
      missing: counts.reduce((sum, { missing }) => sum + missing, 0),
      tables: counts,
      told: counts.map(({ table, missing, there }) => `${table} ${missing} (${there} present)`).join(', '),
      digest: digestOf(rowPrints(batch)),
    }
  },
})

const oneOfBoth: Finding = {
  level: 'refuse',
  about: '--key',
  problem: 'either the keys of the lost rows are needed, or --all-missing',
  hint: 'add --key KEY,KEY or --all-missing, and not both',
}
