import { emptyDisk, lay } from '../../src/testing/disk.ts'
import { emptyFleet, runningFleet } from '../../src/testing/services.ts'
import { layInVolume, fakeVolumes, noVolumes, writeInVolume } from '../../src/testing/volumes.ts'
import { volumesContract } from './volumes.contract.ts'

volumesContract('in memory', async () => {
  const volumes = noVolumes()
  layInVolume(volumes, 'api', '/data/live', 'live', { uid: 1000, gid: 1001, mode: 0o600 })
  layInVolume(volumes, 'api', '/data/docs/one', '1')
  layInVolume(volumes, 'api', '/data/docs/.two', '2')
  volumes.get('api')?.set('/data/link', {
    kind: 'link',
    body: new Uint8Array(0),
    link: '/data/live',
    uid: 0,
    gid: 0,
    mode: 0o777,
  })
  const disk = emptyDisk()
  disk.folders.add('/scratch')
  const fleet = runningFleet({ api: 'api:1' })
  for (const [name, service] of emptyFleet({ gone: 'gone:1' }).services) fleet.services.set(name, service)
  return {
    volumes: fakeVolumes({ volumes, disk, fleet }),
    stack: {
      kind: 'compose',
      project: 'p',
      directory: '/srv',
      files: ['/srv/compose.yml'],
      envFiles: [],
      profiles: [],
      environment: {},
    },
    lay: async (name, body) => {
      lay(disk, `/scratch/${name}`, body)
      return `/scratch/${name}`
    },
    body: async (path) => (disk.files.has(path) ? Buffer.from(disk.files.get(path) ?? []) : null),
    free: (name) => `/scratch/${name}`,
    append: async (path, text) => {
      const body = Buffer.from(volumes.get('api')?.get(path)?.body ?? [])
      writeInVolume(volumes, 'api', path, `${body.toString()}${text}`)
    },
  }
})
