import { manifestFiles, RunbookError, type DataArchive, type Look } from '../../../src/index.ts'
import { filed, mounted } from '../../backups/lib/destination.ts'
import { likely } from '../../backups/lib/backups-to-prune.ts'
import { lastOf } from '../../files/lib/path.ts'
import { withSizes } from '../../files/lib/chosen-file.ts'
import { filesOnly, type Inventory } from './artifact.ts'

/**
 * Data backups in date folders of one or two levels. Checksum and manifest are removed first, so that a kill
 * leaves nothing that looks verified.
 */
export async function backupsOf(look: Look, data: DataArchive): Promise<readonly Inventory[]> {
  await requireMounted(look, data)
  const backups = likely(await filed(look, data), data.place.minBytes, look.clock.now())
  const byFile = new Map(backups.map((backup) => [backup.file, backup]))
  return [
    {
      artifacts: await Promise.all(
        backups.map(async ({ file, takenAt }) => ({
          ...filesOnly,
          name: file,
          takenAt,
          files: await withSizes(look, [`${file}.sha256`, ...manifestFiles(file), file]),
        })),
      ),
      keep: data.making?.keep ?? null,
      inUse: new Map(),
      before: null,
      verify: async ({ name }) => {
        const backup = byFile.get(name)
        if (backup === undefined) throw new RunbookError('verification', `${lastOf(name)} no longer exists`)
        return look.backups.verify(data.place, backup)
      },
    },
  ]
}

/** @throws RunbookError where the drive is missing or does not answer */
export async function requireMounted(look: Look, data: DataArchive): Promise<void> {
  if (data.making !== undefined) await mounted(look, data)
}
