import { cannot, type JsonObject, type Look, type RunbookError } from '../../../src/index.ts'
import { lastOf } from '../../files/lib/path.ts'

/** The lock file of a release, with the keys that teams use. */
export type ReleaseLock = JsonObject & {
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

export const lockText = (lock: ReleaseLock): string => `${JSON.stringify(lock, null, 2)}\n`

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
    cannot('read', `the lock file ${file}`, why, {
      code: 'verification',
      hint: 'use the lock file created with the bundle, or create both again',
    })
  let lock: unknown
  try {
    lock = JSON.parse(text)
  } catch (cause) {
    throw cannot('read', `the lock file ${file}`, 'not JSON', {
      code: 'verification',
      hint: 'use the lock file created with the bundle, or create both again',
      cause,
    })
  }
  if (typeof lock !== 'object' || lock === null) throw refused('not a JSON object')
  const {
    version,
    tarball,
    tarball_sha256: sha256,
    git_sha: commit,
  } = lock as { readonly [key: string]: unknown }
  if (typeof version !== 'string') throw refused('no version in it')
  if (typeof tarball !== 'string' || tarball === '') throw refused('no tarball in it')
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/i.test(sha256))
    throw refused('no SHA-256 of its tarball in it')
  const name = lastOf(tarball)
  if (name === '' || name === '..' || name.includes('\0'))
    throw refused(`its tarball is not a file name: ${JSON.stringify(tarball)}`)
  return {
    version,
    tarball: name,
    sha256: sha256.toLowerCase(),
    commit: typeof commit === 'string' && /^[0-9a-f]{7,64}$/i.test(commit) ? commit.toLowerCase() : null,
  }
}
