import type { Look, Release } from '../../../src/index.ts'
import { shelfOf } from '../../releases/lib/names.ts'
import { inUse, namesIn } from '../../releases/prune-releases.ts'
import { verified } from '../../releases/verify-release.ts'
import { plain, sized, type Inventory } from './artifact.ts'

/** Release bundles, each with its lock file. A half without the other is reported and left to a person. */
export async function bundlesOf(look: Look, release: Release): Promise<readonly Inventory[]> {
  const { directory } = release
  const { pairs, halves } = shelfOf(await namesIn(look, directory), release.name)
  if (halves.length > 0) look.note(`these lack their other half and are left alone: ${halves.join(', ')}`)
  const used = await inUse(look, release)
  const reasons = pairs.filter(({ stem, tarball, lock }) =>
    [stem, tarball, lock].some((name) => used.has(name)),
  )
  return [
    {
      holdings: await Promise.all(
        pairs.map(async ({ stem, tarball, lock, takenAt }) => ({
          ...plain,
          name: stem,
          takenAt: new Date(takenAt).toISOString(),
          files: await sized(look, [`${directory}/${tarball}`, `${directory}/${lock}`]),
        })),
      ),
      keep: release.keep,
      inUse: new Map(reasons.map(({ stem }) => [stem, `named in ${release.inUse.join(' or ')}`])),
      before: null,
      verify: ({ name }) => verified(look, `${directory}/${name}.lock.json`),
    },
  ]
}
