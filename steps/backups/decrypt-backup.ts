import { cannot, defineStep, isPending, say, type SecretHandle, type Verified } from '../../src/index.ts'
import type { Staging } from '../files/staging.ts'

type Input = {
  readonly backup: Verified
  readonly staging: Staging
  readonly passphrase: SecretHandle | null
}
type Before = { readonly file: string; readonly encrypted: boolean }

/** A readable backup: the decrypted copy, or the file itself where it is not encrypted. */
export type ReadableBackup = {
  readonly file: string
  readonly source: string
  readonly takenAt: string
  /** Of the file, where it was verified as it is, or unpacked by this run. */
  readonly sha256?: string
}

/**
 * Decrypts a backup that ends in `.gpg` into staging; any other is used in place. Undone by removing the
 * decrypted copy.
 * @throws RunbookError `usage` where the target configures no passphrase
 */
export const decryptBackup = defineStep<Input, ReadableBackup, Before>({
  kind: 'backups.decrypt',
  version: 1,
  effect: 'change',
  timeoutSeconds: 3600,
  describe: ({ backup }) =>
    say`Decrypts ${isPending(backup) ? backup : backup.name} into staging if its name ends in .gpg.`,
  needs: ({ backup }) =>
    !isPending(backup) && backup.name.endsWith('.gpg')
      ? [{ program: 'gpg', atLeast: '2.2', why: `${backup.name} is encrypted` }]
      : [],
  survey: async (_, { backup: { file, name }, staging }) => {
    const encrypted = name.endsWith('.gpg')
    return { encrypted, file: encrypted ? `${staging.folder}/${name.replace(/\.gpg$/, '')}` : file }
  },
  predict: ({ input: { backup }, before }) => ({
    output: before === undefined || isPending(backup) ? null : outputOf(backup, before),
    changes: before?.encrypted === true ? [`a decrypted copy ${before.file}, until the end of the run`] : [],
  }),
  run: async (io, { input: { backup, passphrase }, before: { file, encrypted } }) => {
    if (encrypted) {
      if (passphrase === null) {
        throw cannot('decrypt', backup.name, 'no passphrase is configured', {
          code: 'usage',
          hint: 'set volumeDatabase.passphrase in runbook.config.ts to secret("VARIABLE")',
        })
      }
      // Decryption never overwrites a file, so leftovers go first.
      for (const path of pathsWritten(file)) await io.files.removeTree(path)
      await io.archives.decrypt(backup.file, file, passphrase, backup.sha256)
    }
    return outputOf(backup, { file, encrypted })
  },
  probe: async (look, { input: { backup }, before: { file, encrypted }, way }) => {
    if (!encrypted)
      return way === 'back' ? { is: 'absent' } : { is: 'done', output: outputOf(backup, { file, encrypted }) }
    const [complete, ...partial] = await Promise.all(pathsWritten(file).map((path) => look.files.stat(path)))
    if (partial.some((facts) => facts !== null))
      return { is: 'torn', why: `the decryption to ${file} is incomplete` }
    return complete === null
      ? { is: 'absent' }
      : { is: 'done', output: outputOf(backup, { file, encrypted }) }
  },
  rerunnable: true,
  // It removes only what is under a name of this run.
  undoGuards: () => [],
  undo: async (io, { before: { file, encrypted } }) => {
    if (encrypted) for (const path of pathsWritten(file)) await io.files.removeTree(path)
  },
})

const pathsWritten = (file: string): readonly string[] => [file, `${file}.partial`, `${file}.gnupg`]

const outputOf = (
  { file: source, takenAt, sha256 }: Verified,
  { file, encrypted }: Before,
): ReadableBackup => ({
  file,
  source,
  takenAt,
  ...(encrypted ? {} : { sha256 }),
})
