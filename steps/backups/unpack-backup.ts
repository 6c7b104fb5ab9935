import {
  cannot,
  defineStep,
  isPending,
  say,
  shellWord,
  type SecretHandle,
  type Verified,
} from '../../src/index.ts'
import { lastOf } from '../files/lib/path.ts'
import type { Staging } from '../files/staging.ts'
import type { ReadableBackup } from './decrypt-backup.ts'

type Input = {
  readonly backup: ReadableBackup
  /** As it was verified, whose digest a backup that was not decrypted must still have. */
  readonly verified: Verified
  readonly staging: Staging
  /** Of what is encrypted without a name that ends in `.gpg`. */
  readonly passphrase: SecretHandle | null
}
/** `bytes`: how large the database is that is in it; null where it does not say. */
type Before = { readonly file: string; readonly wrapped: readonly string[]; readonly bytes: number | null }

/**
 * Unpacks a SQLite backup into staging that is compressed (gzip, zstd, xz, bzip2) or encrypted, by its content; any other
 * is used in place. Undone by removing the unpacked copy.
 * @throws RunbookError `verification` for a backup that is truncated, damaged or not the verified one
 */
export const unpackBackup = defineStep<Input, ReadableBackup, Before>({
  kind: 'backups.unpack',
  version: 1,
  effect: 'change',
  timeoutSeconds: 3600,
  describe: ({ backup }) =>
    say`Unpacks ${isPending(backup) ? backup : lastOf(backup.file)} into staging if it is compressed.`,
  // The backup was opened with it when it was verified; one that is not encrypted needs none.
  secrets: () => [],
  survey: async (look, { backup: { file }, staging, passphrase }) => {
    const { wrapped = [], inside = null } = await look.databases.header(
      { engine: 'sqlite' },
      file,
      passphrase === null ? {} : { decrypt: passphrase },
    )
    return wrapped.length === 0
      ? { file, wrapped, bytes: null }
      : { file: `${staging.folder}/unpacked-${withoutEndings(lastOf(file))}`, wrapped, bytes: inside }
  },
  predict: ({ input: { backup }, before }) => {
    if (before === undefined || isPending(backup)) return { output: null }
    const { file, wrapped, bytes } = before
    if (wrapped.length === 0) return { output: backup }
    const size = bytes === null ? '' : ` of ${bytes} bytes`
    return {
      output: { file, source: backup.source, takenAt: backup.takenAt },
      changes: [`an unpacked copy ${file}${size} (${wrapped.join(', ')}), until the end of the run`],
      ...(bytes === null ? {} : { bytes }),
    }
  },
  run: async (io, { input: { backup, verified, staging, passphrase }, before: { file, wrapped, bytes } }) => {
    if (wrapped.length === 0) return backup
    for (const path of pathsWritten(file)) await io.files.removeTree(path)
    const free = await io.files.freeBytes(staging.folder)
    if (bytes !== null && bytes > free)
      throw cannot('unpack', shellWord(backup.file), `it takes ${bytes} bytes, and ${free} are free`, {
        code: 'failed',
        hint: `make room: df -h ${shellWord(staging.folder)}`,
      })
    const unpacked = await io.archives.unwrap(backup.file, file, {
      sha256: backup.file === verified.file ? verified.sha256 : null,
      passphrase,
    })
    io.note(
      `${file}: ${unpacked.bytes} bytes, sha256 ${unpacked.sha256}, unpacked from ${unpacked.wrapped.join(', ')}`,
    )
    return { file, source: backup.source, takenAt: backup.takenAt, sha256: unpacked.sha256 }
  },
  probe: async (look, { input: { backup }, before: { file, wrapped }, way }) => {
    if (wrapped.length === 0) return way === 'back' ? { is: 'absent' } : { is: 'done', output: backup }
    const [complete, partial] = await Promise.all(pathsWritten(file).map((path) => look.files.stat(path)))
    if (partial !== null) return { is: 'torn', why: `the unpacking to ${file} is incomplete` }
    if (complete === null) return { is: 'absent' }
    const { source, takenAt } = backup
    return { is: 'done', output: { file, source, takenAt, sha256: await look.files.hash(file) } }
  },
  rerunnable: true,
  // It removes only what is under a name of this run.
  undoGuards: () => [],
  undo: async (io, { before: { file, wrapped } }) => {
    if (wrapped.length > 0) for (const path of pathsWritten(file)) await io.files.removeTree(path)
  },
})

const pathsWritten = (file: string): readonly string[] => [file, `${file}.partial`]

/** `shop.db.gz.age` is `shop.db`. */
const withoutEndings = (name: string): string =>
  name.replace(/(?:\.(?:gz|zst|zstd|xz|bz2|gpg|asc|age|enc))+$/i, '')
