import type { Writable } from 'node:stream'
import type { Store, StoredDigest, StoredObject } from '../../drivers/places.ts'

/** A store with its credentials: one per call of the port. */
export interface OpenStore {
  list(pattern: string): Promise<readonly StoredObject[]>
  digestOf(object: StoredObject): Promise<StoredDigest | null>
  /** Whether `send` can begin in the middle. */
  readonly resumes: boolean
  /**
   * Writes the bytes of an object from `offset` on, and ends the stream.
   * @throws `Replaced` where the object has another version
   */
  send(object: StoredObject, offset: number, to: Writable): Promise<void>
  /** Looks again whether the object still has its version; not for what never changes. */
  unchanged(object: StoredObject): Promise<boolean>
}

/** The object has another version than when it was listed. */
export class Replaced extends Error {
  override readonly name = 'Replaced'
}

/** How people call the place. */
export function addressOf(store: Store): string {
  switch (store.kind) {
    case 's3':
      return `s3://${store.bucket}${store.prefix === '' ? '' : `/${store.prefix}`}`
    case 'rclone':
      return store.remote
    case 'restic':
      return `the restic repository ${store.repository}`
    case 'borg':
      return `the Borg repository ${store.repository}`
  }
}
