import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { diskArchives } from '../../src/adapters/disk/archives.ts'
import type { ArchiveTools } from '../../src/adapters/disk/gpg-decrypt.ts'
import { quietScope } from '../scope.ts'
import { millisecondsOf, type Row } from '../row.ts'
import { runbookIn, timed } from '../project.ts'
import { dataBackupIn } from '../data-project.ts'

const limits = { maxBytes: 1e12, maxMembers: 1e6, maxDepth: 100 }

/** From the live folder to a durable archive and its checksum; and the complete backup, restored and read back. */
export const archive: Row = {
  name: 'archive',
  title: 'An archive of a folder, with its checksum',
  unit: 'ms',
  async prepare({ folder, quick }) {
    const live = join(folder, 'live')
    const size = dataBackupIn(folder, quick ? 1_000 : 10_500, 'tar.zst')
    const archives = diskArchives({ scope: quietScope() } as ArchiveTools)
    const shell = (script: string) => () => timed('sh', ['-ec', script], folder)
    const packed = (name: string) => async (): Promise<number> => {
      const to = join(folder, name)
      rmSync(to, { force: true })
      const packing = { folder: live, only: null, as: 'live', exclude: [], dated: null, limits }
      return millisecondsOf(() => archives.pack(packing, to))
    }
    return {
      rounds: quick ? 3 : 5,
      size,
      contestants: [
        {
          name: '`cp -a` to a stage, `tar -czf`, `sha256sum`',
          once: shell(
            'rm -rf stage; mkdir stage; cp -a live stage; tar -czf a.tgz -C stage live; sha256sum a.tgz >a.sum',
          ),
        },
        { name: '`tar -czf`, `sha256sum`', once: shell('tar -czf b.tgz live; sha256sum b.tgz >b.sum') },
        {
          name: "`tar -I 'zstd -T0 -1'`, `sha256sum`",
          once: shell("tar -I 'zstd -T0 -1' -cf c.tzst live; sha256sum c.tzst >c.sum"),
        },
        { name: 'packed to `.tar.gz`', once: packed('d.tar.gz') },
        { name: 'packed to `.tar.zst`', once: packed('e.tar.zst') },
        {
          name: '`data-backup` to `.tar.zst`, restored and read back',
          once: () => runbookIn(folder, 'run', 'data-backup'),
        },
      ],
    }
  },
}
