import {
  defineStep,
  isPending,
  RunbookError,
  say,
  type Copy,
  type Database,
  type Look,
  type TableRows,
} from '../../src/index.ts'
import type { Compared } from './compare-rows.ts'
import {
  keyPrints,
  keysIn,
  keysWith,
  missingRows,
  rowFingerprint,
  selectedRows,
} from './lib/row-selection.ts'

type Input = {
  readonly database: Database
  readonly copy: Copy
  readonly tables: string
  /** As `compareRows` takes it. */
  readonly key: string | null
  readonly compared: Compared
}
/** Digests of the missing rows. The rows may hold personal data, so they stay in the backup. */
type Before = {
  readonly prints: readonly string[]
  /** Digests of the missing keys, where none was given. */
  readonly keys?: readonly string[]
}
type Output = { readonly inserted: number }

/**
 * Inserts the missing rows in one transaction, parents first, and reads them back. Undone by deleting exactly
 * those rows; the undo refuses to delete a row that changed since.
 * @throws RunbookError `failed` where the number of missing rows is not the one the operator approved
 */
export const recoverRows = defineStep<Input, Output, Before>({
  kind: 'databases.recover-rows',
  version: 1,
  effect: 'change',
  alsoChanges: ({ database }) => (isPending(database) ? null : []),
  describe: ({ tables }) =>
    say`Inserts the missing rows of ${tables} in one transaction, parents first, and reads them back.`,
  survey: async (look, { database, copy, tables, key, compared }) => {
    const keys = await keysIn(look, database, copy.name, { tables, key })
    const { batch } = await missingRows(
      look,
      { database, name: copy.name },
      { database, name: database.name },
      tables,
      keys,
    )
    const prints = batch.flatMap(({ table, rows }) => rows.map((row) => rowFingerprint(table, row)))
    if (prints.length !== compared.missing) {
      throw new RunbookError(
        'failed',
        `${compared.missing} rows were missing at the approval, and ${prints.length} are missing now`,
        { hint: 'find out what else inserts rows' },
      )
    }
    return { prints, ...(key === null ? { keys: keyPrints(tables, keys) } : {}) }
  },
  predict: ({ before, input }) => ({
    output: before === undefined ? null : { inserted: before.prints.length },
    changes: before === undefined ? [] : [say`${before.prints.length} more rows in ${input.tables}`],
  }),
  run: async (io, { input, before }) => {
    await io.databases.insertRows(input.database, await savedRows(io, input, before))
    return { inserted: before.prints.length }
  },
  probe: async (look, { input, before }) => {
    const { prints } = before
    const there = await presentPrints(look, input, before)
    const found = prints.filter((print) => there.has(print))
    if (found.length === prints.length) return { is: 'done', output: { inserted: prints.length } }
    return found.length === 0
      ? { is: 'absent' }
      : { is: 'torn', why: `${found.length} of ${prints.length} rows are present` }
  },
  undo: async (io, { input, before }) => {
    // A row that changed since is recognized by its copy; without the copy, only unchanged rows can be.
    const saved = await savedRows(io, input, before).catch((thrown: unknown) => {
      io.signal.throwIfAborted()
      if (!(thrown instanceof RunbookError)) throw thrown
      io.note(`the copy of the backup cannot be read, so the live rows are compared alone: ${thrown.message}`)
      return []
    })
    const all = saved.reduce((sum, { rows }) => sum + rows.length, 0) === before.prints.length
    const batch = all ? saved : withPrints(await rowsIn(io, input, before, input.database.name), before)
    await io.databases.deleteRows(input.database, batch)
  },
})

/** Rows of the backup that the survey found missing. */
const savedRows = async (
  look: Pick<Look, 'databases'>,
  input: Input,
  before: Before,
): Promise<readonly TableRows[]> => withPrints(await rowsIn(look, input, before, input.copy.name), before)

/** Rows by the keys of the survey, whether they are missing now or not. */
async function rowsIn(
  look: Pick<Look, 'databases'>,
  { database, tables, key }: Input,
  { keys: prints = [] }: Before,
  name: string,
): Promise<readonly TableRows[]> {
  const keys = await keysWith(look, database, name, { tables, key }, prints)
  return (await selectedRows(look, database, name, tables, keys)).filter(({ columns }) => columns.length > 0)
}

const withPrints = (parts: readonly TableRows[], { prints }: Before): readonly TableRows[] =>
  parts.map((part) => ({
    ...part,
    rows: part.rows.filter((row) => prints.includes(rowFingerprint(part.table, row))),
  }))

async function presentPrints(look: Look, input: Input, before: Before): Promise<ReadonlySet<string>> {
  const live = await rowsIn(look, input, before, input.database.name)
  return new Set(live.flatMap(({ table, rows }) => rows.map((row) => rowFingerprint(table, row))))
}
