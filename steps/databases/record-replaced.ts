import { defineStep, isPending, RunbookError, say, type Database, type Fingerprint } from '../../src/index.ts'
import type { OpenedDatabase } from './open-replaced.ts'
import { untilDropped } from './lib/drop-line.ts'
import { beforeAndAfter, reportExchange, rowsIn, type RowCounts } from './lib/newer-rows.ts'

type Input = {
  readonly database: Database
  /** One that sessions may read: a file of SQLite always, one of Postgres since it was opened. */
  readonly replaced: OpenedDatabase
  /** Rows of the data that replaced it. */
  readonly restored: RowCounts
}

/** What the replaced database holds. */
export type Recorded = {
  /** Null where it is too damaged to be read: then it is only kept. */
  readonly oldData: Fingerprint | null
  readonly readable: boolean
}

/** Records what a replaced database holds. Reading every row takes long, so it comes after the service is up again. */
export const recordReplaced = defineStep<Input, Recorded>({
  kind: 'databases.record-replaced',
  version: 1,
  effect: 'observe',
  timeoutSeconds: 3600,
  marks: {
    rows: ({ oldData }, { restored }) =>
      beforeAndAfter(oldData === null ? undefined : rowsIn(oldData), restored),
  },
  describe: ({ replaced }) =>
    isPending(replaced)
      ? 'Reads every row of the replaced database, for the record.'
      : say`Reads every row of ${replaced.name}, for the record.`,
  // It does not exist before the swap.
  predict: async () => ({ output: null }),
  run: async (look, { database, replaced: { name }, restored }) => {
    look.note(`${name}: ${untilDropped(database, name)}`)
    try {
      const oldData = await look.databases.fingerprint(database, name)
      reportExchange(look, oldData.tables, restored, name)
      return { oldData, readable: true }
    } catch (thrown) {
      // The damage may be why it was replaced. The service is up, so it is no reason to fail.
      look.signal.throwIfAborted()
      if (!(thrown instanceof RunbookError)) throw thrown
      if (database.engine !== 'sqlite' && thrown.code !== 'verification') throw thrown
      look.note(`${name} is too damaged to be read, so it is kept as it is: ${thrown.message}`)
      return { oldData: null, readable: false }
    }
  },
})
