import { defineStep, isPending, say, type Database, type Fingerprint } from '../../src/index.ts'
import type { OpenedDatabase } from './open-replaced.ts'
import { beforeAndAfter, reportExchange, rowsIn, type RowCounts } from './lib/newer-rows.ts'

type Input = {
  readonly database: Database
  readonly replaced: OpenedDatabase
  /** Rows of the data that replaced it. */
  readonly restored: RowCounts
}

/** What the replaced database holds. */
export type Recorded = { readonly oldData: Fingerprint }

/** Records what a replaced database holds. Reading every row takes long, so it comes after the service is up again. */
export const recordReplaced = defineStep<Input, Recorded>({
  kind: 'databases.record-replaced',
  version: 1,
  effect: 'observe',
  timeoutSeconds: 3600,
  marks: { rows: ({ oldData }, { restored }) => beforeAndAfter(rowsIn(oldData), restored) },
  describe: ({ replaced }) =>
    isPending(replaced)
      ? 'Reads every row of the replaced database, for the record.'
      : say`Reads every row of ${replaced.name}, for the record.`,
  // It does not exist before the swap.
  predict: async () => ({ output: null }),
  run: async (look, { database, replaced: { name }, restored }) => {
    const oldData = await look.databases.fingerprint(database, name)
    reportExchange(look, oldData.tables, restored, name)
    return { oldData }
  },
})
