import { defineStep, RunbookError, say, type Contents, type Look } from '../../src/index.ts'
import { fileOf, type ExaminedBackup } from './examine-backup.ts'
import type { KeptDatabase } from './keep-volume-database.ts'
import { requireAsShown } from '../files/lib/ours.ts'
import { lastOf } from '../files/lib/path.ts'
import { lackingKinds, titleOf } from './lib/other-objects.ts'
import { requireSameLiveFile, type LiveFile } from './lib/live-file.ts'
import { acceptFlag, accepts, listed } from './lib/losses.ts'
import { differencesOf, type RowCounts } from './lib/newer-rows.ts'

type Input = {
  /** The copy of what was live, taken while nothing wrote. */
  readonly kept: KeptDatabase
  readonly backup: ExaminedBackup
  readonly name: string
  /** Tables that may be lost, separated by commas; null for none. */
  readonly acceptLoss: string | null
  /** The comparison that the operator was shown. Missing in older journals. */
  readonly shown?: ComparedFiles
}

/** Rows of both; null where there was nothing live, or it cannot be read. */
export type ComparedFiles = {
  readonly compared: { readonly before: RowCounts; readonly after: RowCounts } | null
  /** Missing where the file was not looked at in its volume, and in older journals. */
  readonly live?: LiveFile
}

/**
 * Compares the rows of a SQLite database with those of the backup that is about to replace it. A table with rows
 * that the backup does not have is lost: it must be named in `acceptLoss`. A database that cannot be read is no
 * reason to refuse, since that may be why it is replaced.
 * @throws RunbookError `verification` for a loss that was not accepted, `failed` where the tables are not those that the
 * operator was shown
 */
export const compareKept = defineStep<Input, ComparedFiles>({
  kind: 'databases.compare-kept',
  version: 1,
  effect: 'observe',
  timeoutSeconds: 3600,
  describe: ({ name, acceptLoss }) =>
    say`Compares the tables of ${name} with those of the backup, and refuses if the backup lacks one that has rows` +
    (acceptLoss === null ? '.' : say`, except ${acceptLoss}.`),
  run: async (look, { kept, backup, name, acceptLoss, shown }) => {
    await requireSameLiveFile(look, shown?.live)
    if (kept.file === null) return { compared: null }
    const compared = await comparison(look, { file: kept.file, backup, name, acceptLoss })
    requireSameTables(name, compared?.before, shown?.compared?.before)
    return { compared }
  },
})

/** Where the driver does not say which file it is. Its rows may change while its services run. */
function requireSameTables(name: string, now: RowCounts | undefined, shown: RowCounts | undefined): void {
  if (now === undefined || shown === undefined) return
  const tables = (of: RowCounts): string =>
    of
      .map(({ table }) => table)
      .toSorted()
      .join(', ')
  requireAsShown(`the tables of ${name}`, tables(now), tables(shown))
}

/**
 * @param file a copy of what is live, on this machine
 * @returns null where one of both cannot be read, which is noted
 * @throws RunbookError `verification` for a loss that was not accepted
 */
export async function comparison(
  look: Look,
  { file, backup, name, acceptLoss }: Omit<Input, 'kept'> & { readonly file: string },
): Promise<ComparedFiles['compared']> {
  const live = await contentsOrNull(look, file, name)
  const saved = await contentsOrNull(look, backup.file, name)
  if (live === null || saved === null) return null
  const [before, after] = [rowsIn(live), rowsIn(saved)]
  const there = new Set(after.map(({ table }) => table))
  const absent = before
    .filter(({ table, rows }) => rows > 0 && !there.has(table))
    .map((one) => ({ ...one, estimated: false }))
  const refused = absent.filter((one) => !accepts(acceptLoss, one))
  if (refused.length > 0)
    throw new RunbookError(
      'verification',
      `${backup.source} lacks what ${name} has, and the restore would lose it: ${listed(refused)}`,
      {
        hint: `choose a backup that has it with --backup, or accept the loss: ${acceptFlag(acceptLoss, refused)}`,
      },
    )
  const differences = differencesOf(before, after)
  look.note(
    differences.length === 0
      ? 'each table of the backup has as many rows as the live one'
      : `the backup, compared with what is live: ${differences.join(', ')}`,
  )
  const missing = live.tables.filter(({ table }) => !there.has(table)).map(titleOf)
  const objects = lackingKinds(live, titlesIn(saved), missing)
  if (objects.length > 0) look.note(`other objects that the backup lacks: ${objects.join('; ')}`)
  return { before, after }
}

const titlesIn = ({ objects }: Contents): readonly string[] =>
  typeof objects === 'string' ? [] : objects.map(({ title }) => title)

const rowsIn = ({ tables }: Contents): RowCounts => tables.map(({ table, rows }) => ({ table, rows }))

async function contentsOrNull(look: Look, file: string, name: string): Promise<Contents | null> {
  try {
    return await look.databases.contents(fileOf(file, name), lastOf(file))
  } catch (thrown) {
    look.signal.throwIfAborted()
    if (!(thrown instanceof RunbookError)) throw thrown
    look.note(`what the restore loses is unknown: the rows of ${file} cannot be counted: ${thrown.message}`)
    return null
  }
}
