import {
  defineStep,
  digestOf,
  isPending,
  RunbookError,
  say,
  type Copy,
  type Database,
  type Look,
  type TableRows,
} from '../../src/index.ts'
import type { Compared } from './compare-rows.ts'
import { missingRightsFindings } from './lib/missing-rights.ts'
import { mustBeLive, presentOf, requireSameLive } from './lib/ours.ts'
import {
  keyPrints,
  keysIn,
  keysWith,
  malformed,
  missingRows,
  rowFingerprint,
  rowPrints,
  selectedRows,
  selectionOf,
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
  /** As in `Identity`: the database that gets the rows. Missing in older journals. */
  readonly instance?: string
  /** Its tables, as the port returns them. Missing in older journals. */
  readonly tableIds?: readonly string[] | null
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
  preflight: async (look, { database, tables }) =>
    isPending(database) || isPending(tables) || malformed({ tables, key: null }).length > 0
      ? []
      : missingRightsFindings(look, database, {
          do: 'insert rows',
          tables: selectionOf(tables).map(({ table }) => table),
        }),
  survey: async (look, { database, copy, tables, key, compared }) => {
    const keys = await keysIn(look, database, copy.name, { tables, key })
    const { batch } = await missingRows(
      look,
      { database, name: copy.name },
      { database, name: database.name },
      tables,
      keys,
    )
    const prints = rowPrints(batch)
    if (prints.length !== compared.missing) {
      throw new RunbookError(
        'failed',
        `${compared.missing} rows were missing at the approval, and ${prints.length} are missing now`,
        { hint: 'find out what else inserts rows' },
      )
    }
    if (compared.digest !== undefined && digestOf(prints) !== compared.digest)
      throw new RunbookError('verification', `the missing rows are not those of the approval`, {
        hint: `find out who writes to ${copy.name} or ${database.name}; then start a new run, which restores another copy`,
      })
    const present = await presentOf(look, database)
    requireSameLive(database, present.instance, compared.instance)
    return { prints, ...(key === null ? { keys: keyPrints(tables, keys) } : {}), ...present }
  },
  predict: ({ before, input }) => ({
    output: before === undefined ? null : { inserted: before.prints.length },
    changes: before === undefined ? [] : [say`${before.prints.length} more rows in ${input.tables}`],
  }),
  run: async (io, { input, before }) => {
    await io.databases.insertRows(input.database, await savedRows(io, input, before))
    return { inserted: before.prints.length }
  },
  probe: async (look, { input, before, way }) => {
    const { prints } = before
    const there = await presentPrints(look, input, before)
    const found = prints.filter((print) => there.has(print))
    if (found.length === prints.length) {
      const { instance } = await look.databases.identity(input.database)
      return way === 'forward' && before.instance !== undefined && instance !== before.instance
        ? {
            is: 'unknown',
            why: `${input.database.name} is not the database that it was: somebody else replaced it`,
          }
        : { is: 'done', output: { inserted: prints.length } }
    }
    if (found.length === 0 && way === 'back') {
      const changed = await changedRows(look, input, before)
      if (changed > 0) return { is: 'torn', why: `${changed} of the inserted rows changed since` }
    }
    return found.length === 0
      ? { is: 'absent' }
      : { is: 'torn', why: `${found.length} of ${prints.length} rows are present` }
  },
  undoGuards: ({ input, before }) => {
    const { database } = input
    const live = mustBeLive(database, before)
    return [
      {
        of: live.of,
        check: async (look, way) => {
          await live.check(look, way)
          const changed = await changedRows(look, input, before)
          if (changed > 0)
            throw new RunbookError(
              'in-doubt',
              `${changed} of the rows that were inserted into ${database.name} changed since`,
              { hint: 'find out who changed them, and whether they should stay; no row was deleted' },
            )
        },
      },
    ]
  },
  undo: async (io, { input, before }) => {
    // A row that changed since is recognized by its copy; without the copy, only unchanged rows can be.
    const saved = await savedRowsIfReadable(io, input, before)
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

async function savedRowsIfReadable(look: Look, input: Input, before: Before): Promise<readonly TableRows[]> {
  return savedRows(look, input, before).catch((thrown: unknown) => {
    look.signal.throwIfAborted()
    if (!(thrown instanceof RunbookError)) throw thrown
    look.note(`the copy of the backup cannot be read, so the live rows are compared alone: ${thrown.message}`)
    return []
  })
}

/** How many of the inserted rows have other contents now; without the copy of the backup, none is known to. */
async function changedRows(look: Look, input: Input, before: Before): Promise<number> {
  const saved = await savedRowsIfReadable(look, input, before)
  const live = await rowsIn(look, input, before, input.database.name)
  return saved.reduce((sum, part) => {
    const now = live.find(({ table }) => table === part.table)
    if (now === undefined) return sum
    const keyOf = (row: TableRows['rows'][number]): string =>
      digestOf(part.key.map((name) => row[part.columns.indexOf(name)] ?? null))
    const prints = new Map(now.rows.map((row) => [keyOf(row), rowFingerprint(part.table, row)]))
    const changed = part.rows.filter(
      (row) =>
        (prints.get(keyOf(row)) ?? rowFingerprint(part.table, row)) !== rowFingerprint(part.table, row),
    )
    return sum + changed.length
  }, 0)
}

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
