import { createHash } from 'node:crypto'
import type { Places, Store, StoredObject } from '../drivers/places.ts'
import type { Scope } from '../drivers/scope.ts'
import { RunbookError } from '../kernel/errors.ts'
import { canonical, sha256 } from '../kernel/json.ts'
import { forget, freeOn, lay, spend, type Disk } from './disk.ts'

/** A file in a store of the in-memory world. */
export type FakeObject = { readonly body: Uint8Array; readonly modifiedAt: Date }

/** A store of the in-memory world. */
export type FakeStore = {
  readonly objects: Map<string, FakeObject>
  /** Whether it keeps the MD5 of each object, as S3 does. */
  keepsDigests: boolean
  /** Why it cannot be used; null where it can. */
  trouble: string | null
  /** The next download breaks after so many bytes, and leaves them. */
  cutAfter: number | null
}

/** The stores of a world, by their canonical JSON. */
export type FakeStores = Map<string, FakeStore>

/** Creates a store, or finds the one that is there. */
export function storeIn(stores: FakeStores, store: Store): FakeStore {
  const at = canonical(store)
  const found = stores.get(at) ?? {
    objects: new Map<string, FakeObject>(),
    keepsDigests: true,
    trouble: null,
    cutAfter: null,
  }
  stores.set(at, found)
  return found
}

/** Puts an object into a store, as if it had always been there. */
export function keep(
  store: FakeStore,
  key: string,
  body: string | Uint8Array,
  modifiedAt = new Date('2026-01-01T00:00:00Z'),
): void {
  store.objects.set(key, { body: typeof body === 'string' ? Buffer.from(body) : body, modifiedAt })
}

/** Stores that hold their objects in memory, and download to the in-memory disk. */
export function fakePlaces(stores: FakeStores, disk: Disk, scope: Scope): Places {
  const opened = (store: Store): FakeStore => {
    scope.signal.throwIfAborted()
    const found = stores.get(canonical(store))
    const why = found === undefined ? 'it does not exist' : found.trouble
    if (found !== undefined && why === null) return found
    throw new RunbookError('preflight', `cannot list the ${store.kind} store: ${why}`, {
      hint: 'check the stores of the test',
    })
  }
  const seen = (key: string, { body, modifiedAt }: FakeObject): StoredObject => ({
    key,
    bytes: body.length,
    modifiedAt: modifiedAt.toISOString(),
    version: sha256(body),
  })
  const bodyOf = (store: Store, object: StoredObject): Uint8Array => {
    const found = opened(store).objects.get(object.key)
    if (found !== undefined && sha256(found.body) === object.version) return found.body
    throw new RunbookError(
      'verification',
      `cannot download ${object.key}: it was replaced while it was being downloaded`,
      { hint: 'start again: the new one is then used' },
    )
  }
  return {
    list: async (store) => [...opened(store).objects].map(([key, one]) => seen(key, one)),

    digestOf: async (store, object) =>
      opened(store).keepsDigests
        ? { algorithm: 'md5', hex: createHash('md5').update(bodyOf(store, object)).digest('hex') }
        : null,

    async read(store, object, maxBytes) {
      if (object.bytes > maxBytes)
        throw new RunbookError(
          'failed',
          `cannot read ${object.key}: larger than the limit of ${maxBytes} bytes`,
          {
            hint: 'it is not what its name says',
          },
        )
      return bodyOf(store, object)
    },

    async fetch(store, object, to) {
      const partial = `${to}.partial`
      const [body, kept] = [bodyOf(store, object), opened(store)]
      const left = disk.files.get(partial)
      const same = left !== undefined && sha256(left) === sha256(body.subarray(0, left.length))
      const resumedAt = same ? left.length : 0
      const missing = body.length - resumedAt
      if (freeOn(disk, to) < missing)
        throw new RunbookError(
          'failed',
          `cannot download ${object.key}: ${missing} bytes are needed, and fewer are free`,
          {
            hint: 'make room there (freeBytes of the disk of the test)',
          },
        )
      if (kept.cutAfter !== null) {
        lay(disk, partial, body.subarray(0, kept.cutAfter))
        kept.cutAfter = null
        throw new RunbookError('failed', `cannot download ${object.key}: connection lost`, {
          hint: 'try again',
        })
      }
      spend(disk, missing, to)
      forget(disk, partial)
      lay(disk, to, Uint8Array.from(body))
      disk.modifiedAt.set(to, new Date(object.modifiedAt))
      scope.progress({ done: body.length, total: body.length, unit: 'bytes' })
      return { bytes: body.length, sha256: sha256(body), resumedAt }
    },
  }
}
