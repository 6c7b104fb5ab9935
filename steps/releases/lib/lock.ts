import { RunbookError, type JsonObject, type Look } from '../../../src/index.ts'
import { lastOf } from '../../files/lib/path.ts'

/** The lock file of a release, with the keys that teams use. */
export type Lock = JsonObject & {
  readonly version: string
  readonly env: string
  /** Twelve characters. */
  readonly git_sha: string
  readonly created_at: string
  readonly tarball: string | null
  readonly tarball_sha256: string | null
  readonly docker_tag: string | null
  readonly release_url: string | null
  readonly keep: number
  readonly notes: JsonObject & {
    readonly output_dir: string
    readonly dry_run: boolean
    readonly prune: boolean
  }
}

export const lockText = (lock: Lock): string => `${JSON.stringify(lock, null, 2)}\n`

/** The fields of a lock file that its bundle is checked against. */
export type Claim = {
  readonly version: string
  readonly tarball: string
  readonly sha256: string
  /** The commit or the beginning of it; null where the lock file names none. */
  readonly commit: string | null
}

/** @throws RunbookError as `claimOf`, and `failed` where the file cannot be read */
export const claimIn = async (look: Pick<Look, 'files'>, file: string): Promise<Claim> =>
  claimOf(new TextDecoder().decode(await look.files.read(file, 1024 * 1024)), file)

/** @throws RunbookError `verification` for text that is not the lock file of a bundle */
export function claimOf(text: string, file: string): Claim {
  const refused = (why: string): RunbookError =>
    new RunbookError('verification', `the lock file ${file} ${why}`, {
      hint: 'take the lock file that was made with the bundle, or make both again',
    })
  let lock: unknown
  try {
    lock = JSON.parse(text)
  } catch (cause) {
    throw new RunbookError('verification', `the lock file ${file} is no JSON`, {
      hint: 'take the lock file that was made with the bundle, or make both again',
      cause,
    })
  }
  if (typeof lock !== 'object' || lock === null) throw refused('holds no object')
  const {
    version,
    tarball,
    tarball_sha256: sha256,
    git_sha: commit,
  } = lock as { readonly [key: string]: unknown }
  if (typeof version !== 'string') throw refused('names no version')
  if (typeof tarball !== 'string' || tarball === '') throw refused('names no tarball')
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/i.test(sha256))
    throw refused('holds no SHA-256 of its tarball')
  const name = lastOf(tarball)
  if (name === '' || name === '..' || name.includes('\0'))
    throw refused(`names a tarball that is no file: ${JSON.stringify(tarball)}`)
  return {
    version,
    tarball: name,
    sha256: sha256.toLowerCase(),
    commit: typeof commit === 'string' && /^[0-9a-f]{7,64}$/i.test(commit) ? commit.toLowerCase() : null,
  }
}
