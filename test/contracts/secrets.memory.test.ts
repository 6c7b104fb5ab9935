import { emptyDisk, lay } from '../../src/testing/disk.ts'
import { fakeSecrets } from '../../src/testing/secrets.ts'
import type { Secret } from '../../src/kernel/secret.ts'
import { secretsContract } from './secrets.contract.ts'

secretsContract('in memory', async (environment) => {
  const disk = emptyDisk()
  const registered: Secret[] = []
  let count = 0
  return {
    secrets: fakeSecrets({ environment, disk, register: (secret) => void registered.push(secret) }),
    registered,
    file: async (body) => {
      const path = `/secrets/${count++}`
      lay(disk, path, body)
      return path
    },
  }
})
