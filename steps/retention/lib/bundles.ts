import { manifestFiles, type Look, type Release } from '../../../src/index.ts'
import { releaseFilesOf } from '../../releases/lib/names.ts'
import { inUse, namesIn } from '../../releases/prune-releases.ts'
import { verified } from '../../releases/verify-release.ts'
import { withSizes } from '../../files/lib/chosen-file.ts'
import { filesOnly, type Inventory } from './artifact.ts'

/** Release bundles, each with its lock file. A half without the other is reported and left to a person. */
export async function bundlesOf(look: Look, release: Release): Promise<readonly Inventory[]> {
  const { directory } = release
  const { pairs, unpaired } = releaseFilesOf(await namesIn(look, directory), release.name)
  if (unpaired.length > 0)
    look.note(`kept, because the bundle or its lock file is missing: ${unpaired.join(', ')}`)
  const used = await inUse(look, release)
  const reasons = pairs.filter(({ stem, tarball, lock }) =>
    [stem, tarball, lock].some((name) => used.has(name)),
  )
  return [
    {
      artifacts: await Promise.all(
        pairs.map(async ({ stem, tarball, lock, takenAt }) => ({
          ...filesOnly,
          name: stem,
          takenAt: new Date(takenAt).toISOString(),
          files: await withSizes(look, [
            ...manifestFiles(`${directory}/${tarball}`),
            `${directory}/${tarball}`,
            `${directory}/${lock}`,
          ]),
        })),
      ),
      keep: release.keep,
      inUse: new Map(reasons.map(({ stem }) => [stem, `named in ${release.inUse.join(' or ')}`])),
      before: null,
      verify: ({ name }) => verified(look, `${directory}/${name}.lock.json`),
    },
  ]
}
