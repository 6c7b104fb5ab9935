import { emptyDisk, lay } from '../../src/testing/disk.ts'
import { emptyShelf, fakeReleases, fakeRepository } from '../../src/testing/releases.ts'
import { secretsOf } from '../fixtures/secrets.ts'
import { commit, releasesContract } from './releases.contract.ts'

releasesContract('memory', async () => {
  const disk = emptyDisk()
  const shelf = emptyShelf()
  const repository = fakeRepository('token-canary-value', { 'v1.0.1': commit })
  shelf.repositories.set('team/shop', repository)
  const host = {
    api: 'https://api.example',
    repository: 'team/shop',
    token: { secret: 'TOKEN', from: { env: 'TOKEN' } },
  }
  return {
    releases: fakeReleases(
      shelf,
      disk,
      secretsOf({ TOKEN: 'token-canary-value', OTHER_TOKEN: 'another-token' }),
    ),
    host,
    stranger: { ...host, token: { secret: 'OTHER_TOKEN', from: { env: 'OTHER_TOKEN' } } },
    file: async (name, body) => {
      lay(disk, `/files/${name}`, body)
      return `/files/${name}`
    },
    read: async (path) => disk.files.get(path) ?? null,
    cutOff: (id, name) =>
      void repository.releases
        .find((one) => one.id === id)
        ?.assets.push({ id: 1e6, name, body: new Uint8Array(), whole: false }),
    close: async () => undefined,
  }
})
