import { defineStep, RunbookError, say, type Copy, type Database, type Look } from '../../src/index.ts'
import type { Compared } from './compare-rows.ts'
import { familyOf, lostRows, printOf } from './family.ts'

type Input = { readonly database: Database; readonly copy: Copy; readonly tables: string; readonly key: string; readonly compared: Compared }
/** Digests of the rows that were missing: the rows themselves hold people's data, and stay in the backup. */
type Before = { readonly prints: readonly string[] }
type Output = { readonly inserted: number }

/**
 * Inserts what is missing in one transaction, parents first, and reads it back. Undone by deleting exactly those rows again; a row
 * that was changed since is left, and a person told.
 */
export const recoverRows = defineStep<Input, Output, Before>({
  kind: 'databases.recover-rows',
  version: 1,
  effect: 'change',
  describe: ({ tables }) => say`Inserts the missing rows of ${tables} in one transaction, parents first, and reads them back.`,
  survey: async (look, { database, copy, tables, key }) => {
    const { batch } = await lostRows(look, database, copy.name, familyOf(tables), key)
    return { prints: batch.flatMap(({ table, rows }) => rows.map((row) => printOf(table, row))) }
  },
  predict: ({ before, input }) => ({
    output: before === undefined ? null : { inserted: before.prints.length },
    changes: before === undefined ? [] : [say`${before.prints.length} more rows in ${input.tables}`],
  }),
  run: async (io, { input: { database, copy, tables, key, compared }, before }) => {
    const { batch, counts } = await lostRows(io, database, copy.name, familyOf(tables), key)
    const missing = counts.reduce((sum, one) => sum + one.missing, 0)
    if (missing !== compared.missing) {
      throw new RunbookError('failed', `${compared.missing} rows were missing when the operator was asked, and ${missing} are now`, { hint: 'somebody inserts too; find out who' })
    }
    await io.databases.insertRows(database, batch)
    return { inserted: before.prints.length }
  },
  probe: async (look, { input, before: { prints } }) => {
    const there = await printsThere(look, input)
    const found = prints.filter((print) => there.has(print))
    if (found.length === prints.length) return { is: 'done', output: { inserted: prints.length } }
    return found.length === 0 ? { is: 'absent' } : { is: 'torn', why: `${found.length} of ${prints.length} rows are there` }
  },
  undo: async (io, { input: { database, copy, tables, key }, before }) => {
    const batch = []
    for (const { table, column } of familyOf(tables)) {
      const saved = await io.databases.rows(database, copy.name, { table, column, value: key })
      batch.push({ ...saved, rows: saved.rows.filter((row) => before.prints.includes(printOf(table, row))) })
    }
    await io.databases.deleteRows(database, batch)
  },
})

async function printsThere(look: Look, { database, tables, key }: Input): Promise<ReadonlySet<string>> {
  const prints = new Set<string>()
  for (const { table, column } of familyOf(tables)) {
    const { rows } = await look.databases.rows(database, database.name, { table, column, value: key })
    for (const row of rows) prints.add(printOf(table, row))
  }
  return prints
}
