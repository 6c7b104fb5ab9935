import {
  defineStep,
  RunbookError,
  say,
  type Assertion,
  type BusinessCheck,
  type Database,
  type Json,
  type Look,
} from '../../src/index.ts'
import type { ReadableBackup } from '../backups/decrypt-backup.ts'
import { lastOf } from '../files/lib/path.ts'
import { requireSameContents } from '../files/lib/same-file.ts'
import { treeVersionOf } from '../files/lib/tree-version.ts'
import { meets } from './assert-restored.ts'
import { requireDatabaseFile } from '../backups/lib/database-file.ts'

type Input = {
  readonly backup: ReadableBackup
  readonly name: string
  readonly assertions: readonly Assertion[]
  readonly business: readonly BusinessCheck[]
  readonly applicationDefines?: readonly string[]
}

/** A SQLite backup that passed every check: only such a backup goes into a volume. */
export type ExaminedBackup = ReadableBackup & {
  readonly sha256: string
  readonly bytes: number
  readonly tables: readonly string[]
  /** Of the file before it was read, as in `treeVersionOf`. Missing in older journals. */
  readonly version?: string
  /** Its answers to the business checks, by name. */
  readonly numbers: readonly { readonly name: string; readonly number: number }[]
}

/**
 * Runs the integrity check and the configured assertions on a SQLite backup, and refuses one without any row.
 * Changes nothing.
 * @throws RunbookError `verification` where a check fails
 */
export const examineBackup = defineStep<Input, ExaminedBackup>({
  kind: 'databases.examine-backup',
  version: 1,
  effect: 'observe',
  timeoutSeconds: 1800,
  volatile: ['version'],
  describe: ({ name }) =>
    say`Runs the integrity check, the configured assertions and the business checks on the backup of ${name}.`,
  marks: { dataAsOf: (backup) => backup.takenAt },
  run: async (look, { backup, name, assertions, business, applicationDefines = [] }) => {
    const database = { ...fileOf(backup.file, name), applicationDefines }
    const version = await treeVersionOf(look, backup.file)
    const dump = await look.databases.inspect(database, backup.file)
    requireDatabaseFile(backup.source, dump)
    const { sha256, bytes, tables } = dump
    if (backup.sha256 !== undefined && backup.sha256 !== sha256)
      throw failed(
        backup,
        `${backup.file} was changed since this run verified or unpacked it: its SHA-256 was ${backup.sha256}, and is ${sha256}`,
      )
    for (const { name: title, sql, expect } of assertions) {
      const answer = await ask(look, database, sql)
      if (!meets(answer, expect))
        throw failed(backup, `assertion "${title}" failed: found ${JSON.stringify(answer)}`)
    }
    const numbers = []
    for (const { name: title, sql } of business) {
      const number = Number(await ask(look, database, sql))
      if (!Number.isFinite(number)) throw failed(backup, `business check "${title}" did not return a number`)
      numbers.push({ name: title, number })
    }
    const counted = numbers.map(({ name: title, number }) => `${number} ${title}`).join(', ')
    look.note(`${backup.source}: ${bytes} bytes, sha256 ${sha256}, taken ${backup.takenAt}; ${counted}`)
    return { ...backup, sha256, bytes, tables, version, numbers }
  },
  stillHolds: (look, { output }) => requireSameContents(look, output.file, output, 'it was examined'),
})

/** A SQLite file on this machine, as a database to read. */
export const fileOf = (file: string, name: string): Extract<Database, { readonly engine: 'sqlite' }> => ({
  engine: 'sqlite',
  name: lastOf(file),
  file,
  confirmPhrase: name,
  fingerprint: 'rows',
})

async function ask(look: Look, database: Database, sql: string): Promise<Json> {
  const [row] = await look.databases.query(database, database.name, sql)
  return row === undefined ? null : (Object.values(row)[0] ?? null)
}

const failed = (backup: ReadableBackup, why: string): RunbookError =>
  new RunbookError('verification', `${backup.source} failed verification: ${why}`, {
    hint: 'nothing was changed; choose another backup with --backup',
  })
