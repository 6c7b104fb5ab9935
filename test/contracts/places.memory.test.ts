import type { Store } from '../../src/drivers/places.ts'
import { fakePlaces, keep, storeIn, type FakeStores } from '../../src/testing/places.ts'
import { emptyDisk, lay } from '../../src/testing/index.ts'
import { placesContract } from './places.contract.ts'

const s3 = (bucket: string): Store => ({
  kind: 's3',
  bucket,
  prefix: '',
  endpoint: null,
  region: 'us-east-1',
  pathStyle: false,
  credentials: null,
})

placesContract('in-memory', async () => {
  const stores: FakeStores = new Map()
  const disk = emptyDisk()
  const store = s3('backups')
  const kept = storeIn(stores, store)
  storeIn(stores, s3('refused')).trouble = 'the credentials are refused'
  return {
    store,
    folder: '/cache',
    digests: 'kept',
    replaces: true,
    places: (scope) => fakePlaces(stores, disk, scope),
    names: ['with blank.dump', 'ünï✓.dump', 'new\nline.dump', "quote'.dump"],
    put: async (objects) => {
      for (const [name, body] of Object.entries(objects)) keep(kept, name, body)
    },
    local: async (path) => disk.files.get(path) ?? null,
    write: async (path, body) => lay(disk, path, body),
    missing: s3('missing'),
    refused: s3('refused'),
    close: async () => undefined,
  }
})
