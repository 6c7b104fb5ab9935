import {
  RunbookError,
  defineStep,
  isPending,
  say,
  type BackupPlace,
  type SecretHandle,
  type Verified,
} from '../../src/index.ts'
import { voucher } from '../backups/lib/source.ts'
import { undecipherable } from '../backups/verify-backup.ts'
import { pathOf } from '../backups/lib/choose-tree-path.ts'
import { lastOf } from '../files/lib/path.ts'

type Input = {
  readonly from: BackupPlace
  /** A folder or an archive; null takes the newest. */
  readonly path: string | null
  /** Passphrase of encrypted archives. Not required where the archive is not encrypted. */
  readonly passphrase: SecretHandle | null
}

/** A backup of a folder: a copy of it, or an archive that matches its checksum. */
export type ChosenTree = { readonly path: string; readonly name: string; readonly archive: Verified | null }

/**
 * Chooses a backup of a folder: the given one, or the newest by name.
 * @throws RunbookError `usage` for a path that is neither folder nor file, `preflight` where none matches the
 * pattern
 */
export const chooseTree = defineStep<Input, ChosenTree>({
  kind: 'files.choose-tree',
  version: 1,
  effect: 'observe',
  describe: ({ from, path }) =>
    isPending(from)
      ? 'Locates the backup.'
      : say`Takes ${path ?? `the newest ${from.pattern} in ${from.directory}`}; an archive is compared with its signed manifest or checksum.`,
  secrets: () => [],
  preflight: async (look, { from, path, passphrase }) => {
    if (isPending(from) || isPending(path) || isPending(passphrase)) return []
    const chosen = await pathOf(look, from, path)
    if ((await look.files.stat(chosen))?.kind === 'directory') {
      mustNeedNoSignature(from, chosen)
      return []
    }
    await look.backups.checksumOf(from, await look.backups.find(from, chosen))
    return undecipherable(look, { name: lastOf(chosen) }, passphrase)
  },
  run: async (look, { from, path }) => {
    const chosen = await pathOf(look, from, path)
    const facts = await look.files.stat(chosen)
    if (facts?.kind === 'directory') mustNeedNoSignature(from, chosen)
    const archive =
      facts?.kind === 'directory'
        ? null
        : await look.backups.verify(from, await look.backups.find(from, chosen))
    look.note(
      archive === null
        ? `the folder ${chosen}`
        : `the archive ${chosen}: ${archive.bytes} bytes, sha256 ${archive.sha256}; vouched for by ${voucher(archive)}`,
    )
    return { path: chosen, name: lastOf(chosen), archive }
  },
})

/** @throws RunbookError `verification` where only signed backups are accepted: a folder has no manifest */
function mustNeedNoSignature({ require }: BackupPlace, folder: string): void {
  if (require !== 'signed') return
  throw new RunbookError(
    'verification',
    `the backup ${folder} is a folder, which has no manifest, and require: 'signed' is configured`,
    { hint: 'choose an archive with a signed manifest' },
  )
}
