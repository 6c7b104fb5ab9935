import { fakeBackups } from '../../src/testing/backups.ts'
import { emptyDisk, lay } from '../../src/testing/disk.ts'
import { fakeKeys } from '../../src/testing/seal.ts'
import { backupsContract } from './backups.contract.ts'

backupsContract('memory', async () => {
  const disk = emptyDisk()
  const keys = fakeKeys()
  const directory = '/backups'
  disk.folders.add(directory)
  return {
    directory,
    backups: (scope, clock) => fakeBackups({ disk, scope, clock, keys }),
    async trusting(who) {
      keys.trusted.clear()
      if (who === 'this machine') keys.trusted.add(keys.own)
      if (who === 'another machine') keys.trusted.add('SHA256:another')
    },
    async read(name) {
      return disk.files.get(`${directory}/${name}`) ?? new Uint8Array()
    },
    async put(name, body, modifiedAt) {
      const path = `${directory}/${name}`
      lay(disk, path, body)
      if (modifiedAt !== undefined) disk.modifiedAt.set(path, modifiedAt)
      return path
    },
    remove: async (name) => void disk.files.delete(`${directory}/${name}`),
    close: async () => undefined,
  }
})
