import { cannot, defineStep, RunbookError, say, type Database, type Io } from '../../src/index.ts'
import { textOf } from '../files/lib/text.ts'
import type { Staging } from '../files/staging.ts'
import type { ExaminedBackup } from './examine-backup.ts'
import { copyKept, requireDigest } from './lib/copy-kept.ts'
import { keysIn, missingRows, type MissingRows } from './lib/row-selection.ts'
import type { KeptDatabase } from './keep-volume-database.ts'

type Input = {
  /** The present database, copied by this run while the writers were stopped. */
  readonly kept: KeptDatabase
  readonly backup: ExaminedBackup
  readonly staging: Staging
  readonly tables: string
  readonly key: string
}
type Before = { readonly folder: string }

/** The present database with the missing rows inserted: it may go into the volume. */
export type MergedDatabase = ExaminedBackup & { readonly inserted: number }

/**
 * Inserts the rows that the database lacks into a copy of it, in one transaction, parents first. The copy is
 * read back and written to one file without a log. The live database is not touched. Undone by removing the
 * copy.
 * @throws RunbookError `preflight` where no row is missing or one differs, `verification` where inserted rows
 * are not in the copy
 */
export const mergeRows = defineStep<Input, MergedDatabase, Before>({
  kind: 'databases.merge-rows',
  version: 1,
  effect: 'change',
  timeoutSeconds: 3600,
  describe: ({ tables }) =>
    say`Inserts the missing rows of ${tables} into a copy of the database, in one transaction, parents first, and reads them back.`,
  survey: async (_, { staging }) => ({ folder: `${staging.folder}/merged` }),
  predict: ({ input: { tables }, before }) => ({
    output: null,
    changes:
      before === undefined
        ? []
        : [
            say`a copy of the database in ${before.folder} with more rows in ${tables}, until the end of the run`,
          ],
  }),
  run: async (io, { input, before: { folder } }) => {
    await io.files.removeTree(folder)
    await io.files.makeFolder(folder)
    const merged = await merge(io, input, folder)
    // Written last: it marks the copy as complete.
    await io.files.write(`${folder}/complete.json`, JSON.stringify(merged))
    io.note(`${merged.inserted} missing rows inserted`)
    return merged
  },
  probe: async (look, { before: { folder }, way }) => {
    // An undo removes the folder, whatever is in it.
    if (way === 'back' && (await look.files.stat(folder)) !== null)
      return { is: 'torn', why: `${folder} still exists` }
    const summary = await textOf(look, `${folder}/complete.json`, 1 << 20)
    if (summary !== null) return { is: 'done', output: JSON.parse(summary) as MergedDatabase }
    return (await look.files.stat(folder)) === null
      ? { is: 'absent' }
      : { is: 'torn', why: `${folder} is incomplete` }
  },
  rerunnable: true,
  // It removes only what is under a name of this run.
  undoGuards: () => [],
  undo: (io, { before: { folder } }) => io.files.removeTree(folder),
})

async function merge(io: Io, { kept, backup, tables, key }: Input, folder: string): Promise<MergedDatabase> {
  if (kept.file === null)
    throw cannot('insert', 'the missing rows', 'there is no database to insert them into', {
      code: 'preflight',
      hint: 'restore it completely: runbook run sqlite-restore',
    })
  await copyKept(io, kept, `${folder}/work.db`)
  const work = fileNamed('work', `${folder}/work.db`)
  const keys = await keysIn(io, work, work.name, { tables, key })
  const missing = (): Promise<MissingRows> =>
    missingRows(
      io,
      { database: fileNamed('backup', backup.file), name: 'backup' },
      { database: work, name: work.name },
      tables,
      keys,
    )
  const { batch } = await missing()
  const inserted = batch.reduce((sum, { rows }) => sum + rows.length, 0)
  if (inserted === 0)
    throw new RunbookError('preflight', `no row of ${tables} is missing`, { hint: 'check the key' })
  await io.databases.insertRows(work, batch)
  // Once all rows were taken from it.
  await requireDigest(io, backup.file, backup.sha256)
  const left = (await missing()).batch.reduce((sum, { rows }) => sum + rows.length, 0)
  if (left > 0)
    throw new RunbookError('verification', `${left} of ${inserted} inserted rows are not in the copy`, {
      hint: 'check the database for a trigger that deletes them',
    })
  const {
    file,
    sha256,
    bytes,
    tables: filled,
  } = await io.databases.dump(work, work.name, `${folder}/merged.db`)
  return {
    file,
    source: backup.source,
    takenAt: backup.takenAt,
    sha256,
    bytes,
    tables: filled,
    numbers: [],
    inserted,
  }
}

export const fileNamed = (name: string, file: string): Database => ({
  engine: 'sqlite',
  name,
  file,
  confirmPhrase: name,
  fingerprint: 'rows',
})
