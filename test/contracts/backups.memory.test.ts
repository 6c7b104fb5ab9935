import { fakeBackups } from '../../src/testing/backups.ts'
import { emptyDisk, lay } from '../../src/testing/disk.ts'
import { backupsContract } from './backups.contract.ts'

backupsContract('memory', async () => {
  const disk = emptyDisk()
  const directory = '/backups'
  disk.folders.add(directory)
  return {
    directory,
    backups: (scope, clock) => fakeBackups({ disk, scope, clock }),
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
