import { cannot, defineStep, isPending, say, type SecretHandle, type Verified } from '../../src/index.ts'
import { needsFor } from '../files/lib/cipher.ts'
import { lastOf } from '../files/lib/path.ts'
import { requireSameFile } from '../files/lib/same-file.ts'

type Input = {
  readonly archive: Verified
  readonly cipher: 'gpg' | 'age'
  readonly passphrase: SecretHandle | null
}
type Before = { readonly file: string }

/**
 * Encrypts an archive beside itself, then decrypts the result again to compare. Undone by removing the
 * result.
 */
export const encryptArchive = defineStep<Input, Verified, Before>({
  kind: 'backups.encrypt',
  version: 1,
  effect: 'change',
  timeoutSeconds: 3600,
  describe: ({ archive, cipher }) =>
    say`Encrypts ${isPending(archive) ? archive : archive.name} with ${cipher}, and decrypts the result to compare.`,
  needs: ({ cipher }) => needsFor(isPending(cipher) ? null : cipher, 'the archive will be encrypted'),
  preflight: async (_, { passphrase }) =>
    passphrase === null
      ? [
          {
            level: 'refuse',
            about: 'data.passphrase',
            problem: 'encryption requires a passphrase, and none is configured',
            hint: "set data.passphrase in runbook.config.ts to secret('CODEX_BACKUP_GPG_KEY')",
          },
        ]
      : [],
  survey: async (_, { archive, cipher }) => ({ file: `${archive.file}.${cipher}` }),
  predict: ({ before }) => ({
    output: before === undefined ? null : { file: before.file, name: lastOf(before.file) },
    changes: before === undefined ? [] : [`an encrypted archive ${before.file}, until the end of the run`],
  }),
  run: async (io, { input: { archive, passphrase }, before: { file } }) => {
    if (passphrase === null)
      throw cannot('encrypt', archive.name, 'no passphrase is configured', {
        code: 'usage',
        hint: 'set data.passphrase in runbook.config.ts',
      })
    await requireSameFile(io, archive.file, archive.sha256, 'it was packed')
    const { sha256, size } = await io.archives.encrypt(archive.file, file, passphrase)
    return sealedOf(archive, file, sha256, size)
  },
  probe: async (look, { input: { archive }, before: { file } }) => {
    // It gets its final name only after it was decrypted again and matched the archive.
    const sealed = await look.files.stat(file)
    if (sealed !== null)
      return { is: 'done', output: sealedOf(archive, file, await look.files.hash(file), sealed.bytes) }
    for (const path of pathsWritten(file))
      if ((await look.files.stat(path)) !== null)
        return { is: 'torn', why: `${path} is left by an incomplete encryption` }
    return { is: 'absent' }
  },
  rerunnable: true,
  // It removes only what is under a name of this run.
  undoGuards: () => [],
  undo: async (io, { before: { file } }) => {
    for (const path of pathsWritten(file)) await io.files.removeTree(path)
  },
})

const pathsWritten = (file: string): readonly string[] => [file, `${file}.partial`, `${file}.gnupg`]

const sealedOf = (archive: Verified, file: string, sha256: string, bytes: number): Verified => ({
  file,
  name: lastOf(file),
  bytes,
  takenAt: archive.takenAt,
  dated: archive.dated,
  sha256,
  checksumFile: null,
})
