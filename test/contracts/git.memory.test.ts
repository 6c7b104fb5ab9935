import { emptyDisk, lay } from '../../src/testing/disk.ts'
import { commitOn, fakeGit, noRepositories } from '../../src/testing/git.ts'
import { gitContract } from './git.contract.ts'

gitContract('memory', async () => {
  const disk = emptyDisk()
  const repositories = noRepositories()
  const top = '/srv/shop'
  disk.folders.add('/srv').add(top)
  return {
    git: fakeGit(repositories, disk),
    top,
    init: async () => void repositories.set(top, []),
    write: async (path, body) =>
      void (body === null ? disk.files.delete(`${top}/${path}`) : lay(disk, `${top}/${path}`, body)),
    commit: async (subject, at, tag) =>
      commitOn(repositories, disk, top, {
        subject,
        committedAt: new Date(at).toISOString(),
        tags: tag === undefined ? [] : [tag],
      }).sha,
    close: async () => undefined,
  }
})
