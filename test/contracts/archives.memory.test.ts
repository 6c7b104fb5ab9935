import { archiveOf, encrypted, memoryArchives } from '../../src/testing/archives.ts'
import { emptyDisk, lay } from '../../src/testing/disk.ts'
import { memoryFiles } from '../../src/testing/files.ts'
import { memorySecrets } from '../../src/testing/secrets.ts'
import { archivesContract, environment } from './archives.contract.ts'

archivesContract('in memory', async () => {
  const disk = emptyDisk()
  disk.folders.add('/data')
  const secrets = memorySecrets({ environment, disk })
  return {
    archives: memoryArchives(disk, secrets),
    files: memoryFiles(disk),
    folder: '/data',
    pack: async (path, members) => lay(disk, path, archiveOf(members)),
    link: async (path, target) => void disk.links.set(path, target),
    encrypt: async (path, plain, phrase) => lay(disk, path, encrypted(Buffer.from(plain), phrase)),
    cut: async (path) => {
      const body = disk.files.get(path) ?? new Uint8Array(0)
      disk.files.set(path, body.subarray(0, Math.floor(body.length / 2)))
    },
  }
})
