import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Places, Store, StoredObject } from '../../src/drivers/places.ts'
import type { Scope } from '../../src/drivers/scope.ts'
import { sha256 } from '../../src/kernel/json.ts'
import { watchedScope } from '../fixtures/scope.ts'

/** What is to be in a place, by name. */
export type Objects = { readonly [name: string]: Uint8Array | string }

/** A store in which the test writes as a backup job would, and a folder to download into. */
export interface PlacesWorld {
  readonly store: Store
  /** Absolute; it need not exist. */
  readonly folder: string
  /** `kept`: the place keeps a digest of each object. `none`: it keeps none, or checks pieces itself. */
  readonly digests: 'kept' | 'none'
  /** Whether an object can be replaced by another under its key; of a snapshot it cannot. */
  readonly replaces: boolean
  places(scope: Scope): Places
  /** Names that the place cannot have are left out. */
  readonly names: readonly string[]
  /** As one job writes them: of a place that keeps snapshots, into one. */
  put(objects: Objects): Promise<void>
  /** What is at a path of this machine; null if nothing is. */
  local(path: string): Promise<Uint8Array | null>
  write(path: string, body: Uint8Array): Promise<void>
  /** Another store of the same kind that does not exist, and one whose credentials are refused. */
  readonly missing: Store
  readonly refused: Store | null
  close(): Promise<void>
}

export function placesContract(kind: string, open: () => Promise<PlacesWorld>): void {
  describe(`places: ${kind}`, () => {
    const pattern = '*{time}.dump'
    const name = 'shop_20260203_041233.dump'
    const other = 'shop_20260204_041233.dump'
    const body = Buffer.from('a dump, more or less'.repeat(1000))
    const text = async (world: PlacesWorld, path: string): Promise<string> =>
      Buffer.from((await world.local(path)) ?? []).toString()

    describe('with backups in it', () => {
      let world: PlacesWorld
      let places: Places
      /** Reading changes nothing in a place, so that it is written and listed once for all of these. */
      let found: readonly StoredObject[]
      beforeAll(async () => {
        world = await open()
        places = world.places(watchedScope())
        await world.put({
          [name]: body,
          [`${name}.sha256`]: 'small',
          [other]: '',
          ...Object.fromEntries(world.names.map((odd) => [odd, `the bytes of ${odd}`])),
        })
        found = await places.list(world.store, pattern)
      })
      afterAll(() => world?.close())

      const named = (wanted: string): StoredObject => {
        const [object, ...others] = found.filter(({ key }) => key.endsWith(wanted))
        if (object === undefined) throw new Error(`${wanted} is not listed`)
        expect(others, wanted).toEqual([])
        return object
      }

      test('lists what is there, with size, time and a version', () => {
        expect(named(name)).toMatchObject({ bytes: body.length })
        expect(named(`${name}.sha256`)).toMatchObject({ bytes: 'small'.length })
        for (const { modifiedAt, version } of found) {
          expect(new Date(modifiedAt).toISOString()).toBe(modifiedAt)
          expect(version).not.toBe('')
        }
      })

      test('refused credentials are told from a missing place', async () => {
        if (world.refused === null) return
        await expect(places.list(world.refused, pattern)).rejects.toMatchObject({
          code: 'preflight',
          message: expect.stringMatching(/credentials are refused/),
          hint: expect.any(String),
        })
      })

      test('a digest is that of the complete object, or none', async () => {
        const digest = await places.digestOf(world.store, named(name))
        if (world.digests === 'none') expect(digest).toBeNull()
        else
          expect(digest?.hex).toBe(
            createHash(digest?.algorithm ?? '?')
              .update(body)
              .digest('hex'),
          )
      })

      test('a small object is read, a large one is not', async () => {
        const small = named(`${name}.sha256`)
        expect(Buffer.from(await places.read(world.store, small, 5)).toString()).toBe('small')
        await expect(places.read(world.store, small, 4)).rejects.toMatchObject({
          code: 'failed',
          message: expect.stringContaining('larger than the limit of 4 bytes'),
        })
      })

      test('fetches an object under its name, with its digest, its time and progress', async () => {
        const scope = watchedScope()
        const to = `${world.folder}/2026/${name}`
        expect(await world.places(scope).fetch(world.store, named(name), to)).toEqual({
          bytes: body.length,
          sha256: sha256(body),
          resumedAt: 0,
        })
        expect(await text(world, to)).toBe(body.toString())
        expect(await world.local(`${to}.partial`)).toBeNull()
        expect(scope.steps.at(-1)).toEqual({ done: body.length, total: body.length, unit: 'bytes' })
      })

      test('an empty object is an empty file', async () => {
        const to = `${world.folder}/empty.dump`
        expect(await places.fetch(world.store, named(other), to)).toEqual({
          bytes: 0,
          sha256: sha256(''),
          resumedAt: 0,
        })
        expect((await world.local(to))?.length).toBe(0)
      })

      test('a former file of that name is replaced, and one of a partial download is not taken for it', async () => {
        const to = `${world.folder}/former.dump`
        await world.write(to, Buffer.from('a former one'))
        await world.write(`${to}.partial`, Buffer.from('other bytes'))
        await places.fetch(world.store, named(name), to)
        expect(await text(world, to)).toBe(body.toString())
        expect(await world.local(`${to}.partial`)).toBeNull()
      })

      test('unusual names', async () => {
        for (const odd of world.names) {
          const to = `${world.folder}/odd`
          await places.fetch(world.store, named(odd), to)
          expect(await text(world, to)).toBe(`the bytes of ${odd}`)
          if (world.digests === 'kept') expect(await places.digestOf(world.store, named(odd))).not.toBeNull()
        }
        expect(world.names.length).toBeGreaterThan(3)
      })

      test('stops with its scope, and gives no file its name', async () => {
        const stop = new AbortController()
        const reason = new Error('second Ctrl-C')
        stop.abort(reason)
        const stopped = world.places(watchedScope({ signal: stop.signal }))
        await expect(stopped.list(world.store, pattern)).rejects.toBe(reason)
        await expect(stopped.fetch(world.store, named(name), `${world.folder}/stopped.dump`)).rejects.toBe(
          reason,
        )
        expect(await world.local(`${world.folder}/stopped.dump`)).toBeNull()
      })
    })

    describe('of its own', () => {
      let world: PlacesWorld
      let places: Places
      beforeEach(async () => {
        world = await open()
        places = world.places(watchedScope())
      })
      afterEach(() => world.close())

      test('an empty place is empty, and one that does not exist is refused with what to do', async () => {
        expect(await places.list(world.store, pattern)).toEqual([])
        await expect(places.list(world.missing, pattern)).rejects.toMatchObject({
          code: 'preflight',
          message: expect.stringMatching(/does not exist/),
          hint: expect.any(String),
        })
      })

      test('an object that was replaced since it was listed is refused, and nothing is left', async () => {
        if (!world.replaces) return
        await world.put({ [name]: body })
        const [object] = await places.list(world.store, pattern)
        await world.put({ [name]: Buffer.from('another dump'.repeat(500)) })
        const to = `${world.folder}/${name}`
        await expect(places.fetch(world.store, object as StoredObject, to)).rejects.toMatchObject({
          code: 'verification',
          message: expect.stringContaining('replaced'),
        })
        expect(await world.local(to)).toBeNull()
        expect(await world.local(`${to}.partial`)).toBeNull()
      })
    })
  })
}
