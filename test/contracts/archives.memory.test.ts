import { sha256 } from '../../src/kernel/json.ts'
import { archiveOf, encrypted, fakeArchives } from '../../src/testing/archives.ts'
import { emptyDisk, lay } from '../../src/testing/disk.ts'
import { dumpBytes } from '../../src/testing/fake-dump.ts'
import { fakeFiles } from '../../src/testing/files.ts'
import { fakeSecrets } from '../../src/testing/secrets.ts'
import { archivesContract, environment } from './archives.contract.ts'

archivesContract('in memory', async () => {
  const disk = emptyDisk()
  disk.folders.add('/data')
  const secrets = fakeSecrets({ environment, disk })
  return {
    archives: fakeArchives(disk, secrets),
    files: fakeFiles(disk),
    folder: '/data',
    pack: async (path, members) => lay(disk, path, archiveOf(members)),
    link: async (path, target) => void disk.links.set(path, target),
    encrypt: async (path, plain, phrase) => lay(disk, path, encrypted(Buffer.from(plain), phrase)),
    compress: async (path) => {
      const database = {
        engine: 'sqlite',
        major: 3,
        database: null,
        takenAt: null,
        roles: [],
        extensions: [],
        tables: { notes: [{ id: 1 }] },
      } as const
      lay(disk, path, dumpBytes({ ...database, wrapped: ['gzip'] }))
      return sha256(dumpBytes(database))
    },
    cut: async (path) => {
      const body = disk.files.get(path) ?? new Uint8Array(0)
      disk.files.set(path, body.subarray(0, Math.floor(body.length / 2)))
    },
  }
})
