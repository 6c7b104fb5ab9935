import { failureOf, type Look } from '../../../src/index.ts'
import { manifestOf } from '../../backups/lib/source.ts'
import type { Recalled } from './lock-file.ts'

/**
 * The id of an image that a tar file contains, or why it is not taken from there: it contains others, cannot be
 * read, or has a manifest that does not vouch for it.
 */
export async function imageIn(
  look: Look,
  tar: string,
  { imageId, tag }: Pick<Recalled, 'imageId' | 'tag'>,
): Promise<{ readonly imageId: string } | string> {
  try {
    const content = await look.images.archived(tar)
    const found = content.find(({ ids, tags }) =>
      imageId === null ? tags.includes(tag ?? '') : ids.includes(imageId),
    )
    if (found === undefined) return `${tar} contains ${content.flatMap(({ ids }) => ids).join(', ')} instead`
    return (await doubtOf(look, tar, found.ids)) ?? { imageId: imageId ?? found.ids[0] ?? '' }
  } catch (thrown) {
    look.signal.throwIfAborted()
    return failureOf(thrown).message
  }
}

/** Why the manifest of a tar file does not vouch for this image; null where it does, or where there is none. */
async function doubtOf(look: Look, tar: string, ids: readonly string[]): Promise<string | null> {
  const signed = await manifestOf(look, tar)
  if (signed?.manifest === undefined) return null
  const { system } = signed.manifest.source
  if (!ids.includes(system)) return `the manifest of ${tar} is of ${system} instead`
  const sha256 = await look.files.hash(tar)
  return sha256 === signed.sha256
    ? null
    : `checksum mismatch in ${tar}: expected ${signed.sha256} (${signed.checksumFile}), found ${sha256}`
}
