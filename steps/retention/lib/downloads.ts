import { RunbookError, type BackupPlace, type Look } from '../../../src/index.ts'
import { entriesOf, recordFile } from '../../backups/lib/cache.ts'
import { folderOf, lastOf } from '../../files/lib/path.ts'
import { withSizes } from '../../files/lib/chosen-file.ts'
import { filesOnly, type Inventory } from './artifact.ts'

/** Downloads of backups that are kept elsewhere; the newest intact one stays, so that the next run need not fetch it. */
export async function downloadsOf(look: Look, place: BackupPlace): Promise<readonly Inventory[]> {
  const entries = await entriesOf(look, place.directory)
  const byFile = new Map(entries.map((entry) => [entry.file, entry]))
  return [
    {
      artifacts: await Promise.all(
        entries.map(async ({ file, record }) => ({
          ...filesOnly,
          name: file,
          takenAt: record.usedAt,
          files: await withSizes(look, [
            ...record.files
              .filter((name) => name.startsWith(lastOf(file)) && name !== lastOf(file))
              .map((name) => `${folderOf(file)}/${name}`),
            `${file}.partial`,
            `${file}.partial.json`,
            file,
            // Last: what a kill leaves is still known to belong to the cache.
            recordFile(file),
          ]),
        })),
      ),
      keep: 1,
      inUse: new Map(
        entries.flatMap(({ file, usedBy }) =>
          usedBy.length === 0 ? [] : [[file, `by ${usedBy.join(', ')}`] as const],
        ),
      ),
      before: null,
      verify: async ({ name }) => {
        const entry = byFile.get(name)
        if (entry?.complete === true && (await look.files.hash(name)) === entry.record.sha256) return
        throw new RunbookError('verification', `${lastOf(name)} is not a complete download`)
      },
    },
  ]
}
