import {
  cannot,
  defineStep,
  isPending,
  RunbookError,
  say,
  type Look,
  type VolumePath,
} from '../../src/index.ts'
import type { ReadableBackup } from '../backups/decrypt-backup.ts'
import { fileOf } from '../databases/examine-backup.ts'
import type { KeptDatabase } from '../databases/keep-volume-database.ts'
import { copyKept } from '../databases/lib/copy-kept.ts'
import { sidecars } from '../databases/lib/volume-files.ts'
import { folderOf, lastOf } from '../files/lib/path.ts'
import type { Staging } from '../files/staging.ts'
import type { Assessment } from './assess-migrations.ts'
import { emptyTables, tablesIn, withHint } from './lib/empty-tables.ts'
import { revisionOf } from './lib/revision.ts'

type Input = {
  /** Path of the database in its volume. */
  readonly at: VolumePath
  /** The copy that was taken while nothing wrote. */
  readonly kept: KeptDatabase
  readonly staging: Staging
  readonly assessment: Assessment
  /**
   * Tables whose rows the downgrade refuses to delete, parents first; null for none. The copy's rows are
   * deleted.
   */
  readonly empty: string | null
}

type Before = { readonly file: string; readonly takenAt: string }

/**
 * Undoes migrations in a copy of a SQLite database, in a one-off container of the image that has them.
 * The copy's revision is read back. SQLite keeps half of what a failed migration did, so the database itself
 * is not touched until a complete copy can replace it. Undone by removing the copy.
 */
export const downgradeCopy = defineStep<Input, ReadableBackup, Before>({
  kind: 'migrations.downgrade-copy',
  version: 1,
  effect: 'change',
  timeoutSeconds: 3600,
  describe: ({ at, assessment }) =>
    say`Downgrades a copy of ${isPending(at) ? at : at.path} to ${isPending(assessment) ? assessment : assessment.to} in a one-off container, and reads its revision back.`,
  preflight: async (_, { empty }) => {
    if (!isPending(empty)) tablesIn(empty)
    return []
  },
  survey: async (look, { at, staging }) => ({
    file: `${staging.folder}/${lastOf(at.path)}`,
    takenAt: look.clock.now().toISOString(),
  }),
  predict: ({ input: { assessment, kept, empty }, before }) => ({
    output:
      before === undefined
        ? null
        : {
            file: before.file,
            takenAt: before.takenAt,
            ...(isPending(kept) ? {} : { source: kept.file ?? '' }),
          },
    changes:
      isPending(assessment) || isPending(empty)
        ? []
        : [
            ...tablesIn(empty).map((table) => `every row of ${table} is deleted from a copy`),
            ...assessment.undone.map(({ id, message }) => `${id} ${message} is undone in a copy`),
          ],
  }),
  run: async (io, { input: { at, kept, staging, assessment, empty }, before }) => {
    if (kept.file === null)
      throw cannot('downgrade', at.path, 'no such file', {
        code: 'failed',
        hint: 'check volumeDatabase.path in runbook.config.ts',
      })
    for (const file of filesOf(before.file)) await io.files.removeTree(file)
    await copyKept(io, kept, before.file)
    await emptyTables(io, fileOf(before.file, at.path), empty)
    await io.migrations
      .downgrade(
        {
          ...assessment.tool,
          copy: { folder: staging.folder, file: lastOf(at.path), at: folderOf(at.path) },
        },
        assessment.to,
      )
      .catch((thrown: unknown) => {
        throw withHint(thrown)
      })
    const found = await revisionIn(io, before.file)
    if (found !== assessment.to) {
      throw new RunbookError('failed', `the copy is at ${found} after the downgrade to ${assessment.to}`, {
        hint: `check that ${assessment.tool.service} keeps its database at ${at.path}`,
      })
    }
    return { file: before.file, source: kept.file, takenAt: before.takenAt }
  },
  probe: async (look, { input: { kept, assessment }, before, way }) => {
    const found = await Promise.all(filesOf(before.file).map((path) => look.files.stat(path)))
    if (found.every((one) => one === null)) return { is: 'absent' }
    const [database, ...others] = found
    const done =
      way === 'forward' &&
      database !== null &&
      others.every((one) => one === null) &&
      (await revisionIn(look, before.file)) === assessment.to
    return done
      ? { is: 'done', output: { file: before.file, source: kept.file ?? '', takenAt: before.takenAt } }
      : { is: 'torn', why: `${before.file} is not at ${assessment.to}` }
  },
  rerunnable: true,
  // It removes only what is under a name of this run.
  undoGuards: () => [],
  undo: async (io, { before }) => {
    for (const file of filesOf(before.file)) await io.files.removeTree(file)
  },
})

/** Every file that SQLite or an interrupted copy may leave, the database itself first. */
const filesOf = (file: string): readonly string[] =>
  ['', ...sidecars]
    .flatMap((ending) => [`${file}${ending}`, `${file}${ending}.partial`])
    .toSorted((one, other) => one.length - other.length)

/** For a database that cannot be read, the error message, which matches no revision. */
async function revisionIn(look: Look, file: string): Promise<string> {
  try {
    return (await revisionOf(look, fileOf(file, file))) ?? 'base'
  } catch (thrown) {
    look.signal.throwIfAborted()
    return thrown instanceof RunbookError ? thrown.message : 'no revision'
  }
}
