import type { S3Store } from '../../src/drivers/places.ts'
import { keep, storeIn, type FakeStore, type FakeWorld } from '../../src/testing/index.ts'
import { damagedShop } from './fake-shop.ts'

export const bucket: S3Store = {
  kind: 's3',
  bucket: 'backups',
  prefix: '',
  endpoint: null,
  region: 'us-east-1',
  pathStyle: false,
  credentials: null,
}

/** What the shop has in its folder is in the bucket instead. */
export function inBucket(world = damagedShop()): { readonly world: FakeWorld; readonly store: FakeStore } {
  const store = storeIn(world.stores, bucket)
  for (const [path, body] of world.disk.files) {
    if (!path.startsWith('/backups/db/')) continue
    keep(store, path.slice('/backups/db/'.length), body)
    world.disk.files.delete(path)
  }
  return { world, store }
}
