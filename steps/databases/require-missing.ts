import { cannot, defineStep, RunbookError, say, type VolumePath } from '../../src/index.ts'
import type { ExaminedBackup } from './examine-backup.ts'
import { liveFileAt, requireSameLiveFile, type LiveFile } from './lib/live-file.ts'
import { inLiveCopy } from './lib/live-copy.ts'
import { keysIn, missingRows } from './lib/row-selection.ts'
import { fileNamed } from './merge-rows.ts'

type Input = {
  readonly at: VolumePath
  readonly backup: ExaminedBackup
  readonly tables: string
  readonly key: string
}

/** `says`: the missing rows by table, for the approval. */
export type MissingLive = { readonly says: string; readonly live?: LiveFile }

/**
 * Counts the rows that the backup has and a SQLite database in a volume lacks, while its service may still run, so
 * that a recovery without any row to insert stops nothing. It reads a copy of one moment; `mergeRows` looks again.
 * @throws RunbookError `preflight` where no row is missing, one differs, or there is no database
 */
export const requireMissing = defineStep<Input, MissingLive>({
  kind: 'databases.require-missing',
  version: 1,
  effect: 'observe',
  lookAgain: true,
  timeoutSeconds: 3600,
  volatile: ['live'],
  describe: ({ tables }) => say`Counts the missing rows of ${tables} in a copy of the database as it is now.`,
  run: async (look, { at, backup, tables, key }) => {
    if ((await look.volumes.stat(at)) === null)
      throw cannot('insert', 'the missing rows', 'there is no database to insert them into', {
        code: 'preflight',
        hint: 'restore it completely: runbook run sqlite-restore',
      })
    const live = await liveFileAt(look, at)
    const says = await inLiveCopy(look, at, async (file) => {
      const copy = fileNamed('live', file)
      const keys = await keysIn(look, copy, copy.name, { tables, key })
      const saved = { database: fileNamed('backup', backup.file), name: 'backup' }
      const { batch } = await missingRows(look, saved, { database: copy, name: copy.name }, tables, keys)
      const counted = batch.filter(({ rows }) => rows.length > 0)
      if (counted.length === 0)
        throw new RunbookError('preflight', `no row of ${tables} is missing`, { hint: 'check the key' })
      return counted.map(({ table, rows }) => `${table} ${rows.length}`).join(', ')
    })
    if (says !== null) look.note(`missing rows: ${says}`)
    return { says: says ?? 'unknown: the live database could not be copied', live }
  },
  stillHolds: (look, { output: { live } }) => requireSameLiveFile(look, live),
})
