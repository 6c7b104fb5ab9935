import {
  checksumList,
  defineStep,
  isPending,
  RunbookError,
  say,
  checksumFor,
  type Look,
} from '../../src/index.ts'
import { claimIn } from './lib/lock.ts'
import { lastOf } from '../files/lib/path.ts'
import { archiveLimits } from '../files/unpack.ts'
import { sumsIn } from './lib/sums.ts'
import { manifestOf } from '../backups/lib/source.ts'

type Input = {
  /** Absolute path of the lock file; the bundle is beside it. */
  readonly lock: string
}

export type VerifiedRelease = {
  readonly lock: string
  readonly file: string
  readonly version: string
  readonly sha256: string
  readonly bytes: number
}

/** Reads a bundle to its last byte, and checks it against its lock file, `SHA256SUMS` and signed manifest if any. */
export const verifyRelease = defineStep<Input, VerifiedRelease>({
  kind: 'releases.verify',
  version: 1,
  effect: 'observe',
  timeoutSeconds: 3600,
  describe: ({ lock }) =>
    say`Reads the bundle of ${isPending(lock) ? lock : lastOf(lock)} to its last byte, and compares it with its lock file, SHA256SUMS and its signed manifest if it has one.`,
  run: async (look, { lock }) => {
    const release = await verified(look, lock)
    look.note(`SHA256 ${release.sha256}  ${release.file}`)
    return release
  },
})

/** @throws RunbookError `verification` where the three disagree, or one is damaged or missing */
export async function verified(
  look: Pick<Look, 'files' | 'archives' | 'backups'>,
  lock: string,
): Promise<VerifiedRelease> {
  const refused = (why: string): RunbookError =>
    new RunbookError('verification', why, {
      hint: 'create the release again; check that its upload was complete and that the bundle was not edited',
    })
  if ((await look.files.stat(lock)) === null) throw refused(`lock file ${lock} not found`)
  const claim = await claimIn(look, lock)
  const directory = lock.slice(0, lock.lastIndexOf('/'))
  const file = `${directory}/${claim.tarball}`
  const there = await look.files.stat(file)
  if (there?.kind !== 'file')
    throw refused(
      `the bundle ${file} of the lock file ${lock} ${there === null ? 'not found' : `is a ${there.kind}, not a file`}`,
    )
  const sha256 = await look.files.hash(file)
  if (sha256 !== claim.sha256)
    throw refused(`checksum mismatch in ${file}: expected ${claim.sha256} (lock file), found ${sha256}`)
  const sums = checksumFor(checksumList((await sumsIn(look, directory)) ?? ''), claim.tarball, false)
  if (sums.kind !== 'found')
    throw refused(
      `${directory}/SHA256SUMS ${sums.kind === 'conflict' ? 'has several checksums' : 'has no line'} for ${claim.tarball}`,
    )
  if (sums.sha256 !== sha256)
    throw refused(`checksum mismatch in ${file}: expected ${sums.sha256} (SHA256SUMS), found ${sha256}`)
  const manifest = await manifestOf(look, file)
  if (manifest !== null && manifest.sha256 !== sha256)
    throw refused(
      `checksum mismatch in ${file}: expected ${manifest.sha256} (${manifest.checksumFile}), found ${sha256}`,
    )
  await look.archives.inspect(file, archiveLimits)
  return { lock, file, version: claim.version, sha256, bytes: there.bytes }
}
