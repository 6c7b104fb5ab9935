import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { digestOfFile } from '../../src/adapters/disk/digest.ts'
import { timed } from '../project.ts'
import { millisecondsOf, type Row } from '../row.ts'
import { quietScope } from '../scope.ts'
import { noise } from '../tree.ts'

/** A file against its checksum, from the page cache, so that no disk is measured. */
export const verification: Row = {
  name: 'verification',
  title: 'Verifying a file against its SHA-256',
  unit: 'ms',
  async prepare({ folder, quick }) {
    const bytes = quick ? 256 * 1024 ** 2 : 1024 ** 3
    const file = join(folder, 'backup')
    const content = noise(bytes, 1)
    const expected = createHash('sha256').update(content).digest('hex')
    writeFileSync(file, content, { mode: 0o600 })
    writeFileSync(`${file}.sha256`, `${expected}  backup\n`)
    return {
      rounds: quick ? 3 : 7,
      size: `${bytes / 1024 ** 2} MiB`,
      contestants: [
        { name: '`sha256sum -c`', once: () => timed('sha256sum', ['-c', 'backup.sha256'], folder) },
        {
          name: 'verified',
          once: () =>
            millisecondsOf(async () => {
              const { sha256 } = await digestOfFile(file, quietScope())
              if (sha256 !== expected) throw new Error('the file is damaged')
            }),
        },
      ],
    }
  },
}
