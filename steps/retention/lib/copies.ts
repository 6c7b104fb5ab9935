import type { Look, Retention } from '../../../src/index.ts'
import type { CopyPlace } from './copy-places.ts'
import { notEmpty } from './dumps.ts'
import { withSizes } from '../../files/lib/chosen-file.ts'
import { filesOnly, type Inventory } from './artifact.ts'
import { momentIn } from './kept-databases.ts'

/**
 * The copies in each place. They hold what the file held, secrets too, so only the newest is kept past the
 * limit.
 */
export async function copiesOf(
  look: Look,
  places: readonly CopyPlace[],
  retention: Retention | null,
): Promise<readonly Inventory[]> {
  return Promise.all(
    places.map(async ({ folder, start }) => {
      const there = (await look.files.stat(folder)) === null ? [] : await look.files.list(folder)
      const artifacts = await Promise.all(
        there.flatMap((name) => {
          const takenAt = copiedAt(start, name)
          return takenAt === null ? [] : [copyAt(look, `${folder}/${name}`, takenAt)]
        }),
      )
      return {
        artifacts,
        keep: 1,
        before: retention === null ? null : look.clock.now().getTime() - retention.keepOldSeconds * 1000,
        inUse: new Map<string, string>(),
        verify: notEmpty,
      }
    }),
  )
}

const copyAt = async (look: Look, path: string, takenAt: Date) => ({
  ...filesOnly,
  name: path,
  takenAt: takenAt.toISOString(),
  files: await withSizes(look, [path]),
})

/** When a run made what has this name, from the run's id in it; null for what no run made. */
export function copiedAt(start: string, name: string): Date | null {
  if (!name.startsWith(start)) return null
  const run = /^(\d{8}-\d{6}-\w+)(?:-\d+)?$/.exec(name.slice(start.length))?.[1]
  return run === undefined ? null : momentIn(run)
}
