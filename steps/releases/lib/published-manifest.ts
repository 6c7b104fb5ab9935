import {
  manifestFiles,
  RunbookError,
  UntrustedKey,
  type BackupPlace,
  type Io,
  type Look,
  type ReleaseHost,
} from '../../../src/index.ts'
import { folderOf, lastOf } from '../../files/lib/path.ts'
import type { Part } from './published-part.ts'

/** Where a manifest is kept that does not count here: beside its bundle it would be a reason to refuse that. */
export const aside = (file: string): string => `${file}.untrusted`

/** No manifest is larger. Bytes. */
const largest = 1 << 20

type Reading = Pick<Look, 'files' | 'backups'>

export const isThere = async (look: Pick<Look, 'files'>, file: string): Promise<boolean> =>
  (await look.files.stat(file)) !== null || (await look.files.stat(aside(file))) !== null

/** Whether the published manifest of a bundle is where it belongs: beside the bundle, or aside where its key is not trusted. */
export async function isPlaced(look: Reading, bundle: string, parts: readonly Part[]): Promise<boolean> {
  const [first] = parts
  if (first === undefined) return true
  const beside = await Promise.all(parts.map(async ({ file }) => (await look.files.stat(file)) !== null))
  if (beside.every(Boolean)) return true
  const kept = await Promise.all(parts.map(async ({ file }) => (await look.files.stat(aside(file))) !== null))
  return !beside.some(Boolean) && kept.every(Boolean) && (await distrust(look, bundle)) !== null
}

/**
 * Downloads manifest and signature, and puts them beside the bundle if they vouch for it.
 * @throws RunbookError `verification` for a manifest that was altered, or is of another file
 */
export async function placeManifest(
  io: Io,
  host: ReleaseHost,
  bundle: string,
  parts: readonly Part[],
  check: (part: Part) => Promise<void>,
): Promise<void> {
  if (parts.length === 0 || (await isPlaced(io, bundle, parts))) return
  for (const part of parts) {
    const kept = { ...part, file: aside(part.file) }
    if ((await io.files.stat(part.file)) !== null) await io.files.move(part.file, kept.file)
    if ((await io.files.stat(kept.file)) === null) await io.releases.download(host, part.asset, kept.file)
    await check(kept)
  }
  const why = await distrust(io, bundle)
  if (why !== null) {
    io.note(`warning: the manifest of ${bundle} does not vouch for it here: ${why.message}`)
    if (why.hint !== undefined) io.note(`${why.hint}; then fetch the release again`)
    return
  }
  for (const { file } of parts) await io.files.move(aside(file), file)
  io.note(`the signed manifest of ${bundle} vouches for it`)
}

/** Why a manifest that was put aside does not count here; null if it does. @throws as `placeManifest` */
async function distrust(
  look: Reading,
  bundle: string,
): Promise<{ readonly message: string; readonly hint: string | undefined } | null> {
  const place: BackupPlace = {
    directory: folderOf(bundle),
    pattern: '*',
    maxAgeSeconds: 0,
    minBytes: 1,
    checksums: 'if-present',
    require: 'signed',
  }
  const read = new Map<string, Uint8Array>()
  for (const file of manifestFiles(bundle))
    read.set(lastOf(file), await look.files.read(aside(file), largest))
  const found = await look.backups.find(place, bundle)
  try {
    await look.backups.judge(place, found, { names: [...read.keys()], read })
    return null
  } catch (thrown) {
    // `usage`: no key is trusted here at all.
    if (thrown instanceof UntrustedKey || (thrown instanceof RunbookError && thrown.code === 'usage'))
      return thrown
    throw thrown
  }
}
