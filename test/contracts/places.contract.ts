import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Places, Store, StoredObject } from '../../src/drivers/places.ts'
import type { Scope } from '../../src/drivers/scope.ts'
import { sha256 } from '../../src/kernel/json.ts'
import { watchedScope } from '../fixtures/scope.ts'

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
  put(name: string, body: Uint8Array | string): Promise<void>
  remove(name: string): Promise<void>
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
    let world: PlacesWorld
    let places: Places
    beforeEach(async () => {
      world = await open()
      places = world.places(watchedScope())
    })
    afterEach(() => world.close())

    const pattern = '*{time}.dump'
    const name = 'shop_20260203_041233.dump'
    const body = Buffer.from('a dump, more or less'.repeat(1000))
    const all = () => places.list(world.store, pattern)
    const named = async (wanted: string): Promise<StoredObject> => {
      const found = (await all()).find(({ key }) => key.endsWith(wanted))
      expect(found, wanted).toBeDefined()
      return found as StoredObject
    }

    test('lists what is there, with size, time and a version', async () => {
      await world.put(name, body)
      await world.put(`${name}.sha256`, `${sha256(body)}  ${name}\n`)
      const found = await all()
      expect(found.filter(({ key }) => key.endsWith(name))).toMatchObject([{ bytes: body.length }])
      expect(found.filter(({ key }) => key.endsWith(`${name}.sha256`))).toHaveLength(1)
      for (const { modifiedAt, version } of found) {
        expect(new Date(modifiedAt).toISOString()).toBe(modifiedAt)
        expect(version).not.toBe('')
      }
    })

    test('an empty place is empty, and one that does not exist is refused with what to do', async () => {
      expect(await all()).toEqual([])
      await expect(places.list(world.missing, pattern)).rejects.toMatchObject({
        code: 'preflight',
        message: expect.stringMatching(/does not exist/),
        hint: expect.any(String),
      })
    })

    test('refused credentials are told from a missing place', async () => {
      if (world.refused === null) return
      await world.put(name, body)
      await expect(places.list(world.refused, pattern)).rejects.toMatchObject({
        code: 'preflight',
        message: expect.stringMatching(/credentials are refused/),
        hint: expect.any(String),
      })
    })

    test('a digest is that of the complete object, or none', async () => {
      await world.put(name, body)
      const digest = await places.digestOf(world.store, await named(name))
      if (world.digests === 'none') expect(digest).toBeNull()
      else
        expect(digest?.hex).toBe(
          createHash(digest?.algorithm ?? '?')
            .update(body)
            .digest('hex'),
        )
    })

    test('a small object is read, a large one is not', async () => {
      await world.put(`${name}.sha256`, 'small')
      const small = await named(`${name}.sha256`)
      expect(Buffer.from(await places.read(world.store, small, 5)).toString()).toBe('small')
      await expect(places.read(world.store, small, 4)).rejects.toMatchObject({
        code: 'failed',
        message: expect.stringContaining('larger than the limit of 4 bytes'),
      })
    })

    test('fetches an object under its name, with its digest, its time and progress', async () => {
      await world.put(name, body)
      const scope = watchedScope()
      const object = await named(name)
      const to = `${world.folder}/2026/${name}`
      expect(await world.places(scope).fetch(world.store, object, to)).toEqual({
        bytes: body.length,
        sha256: sha256(body),
        resumedAt: 0,
      })
      expect(Buffer.from((await world.local(to)) ?? [])).toEqual(body)
      expect(await world.local(`${to}.partial`)).toBeNull()
      expect(scope.steps.at(-1)).toEqual({ done: body.length, total: body.length, unit: 'bytes' })
    })

    test('an empty object is an empty file', async () => {
      await world.put(name, '')
      const to = `${world.folder}/${name}`
      expect(await places.fetch(world.store, await named(name), to)).toEqual({
        bytes: 0,
        sha256: sha256(''),
        resumedAt: 0,
      })
      expect((await world.local(to))?.length).toBe(0)
    })

    test('a former file of that name is replaced, and one of a partial download is not taken for it', async () => {
      await world.put(name, body)
      const to = `${world.folder}/${name}`
      await world.write(to, Buffer.from('a former one'))
      await world.write(`${to}.partial`, Buffer.from('other bytes'))
      await places.fetch(world.store, await named(name), to)
      expect(Buffer.from((await world.local(to)) ?? [])).toEqual(body)
      expect(await world.local(`${to}.partial`)).toBeNull()
    })

    test('unusual names', async () => {
      for (const odd of world.names) await world.put(odd, `the bytes of ${odd}`)
      const found = await all()
      for (const odd of world.names) {
        const [object, ...others] = found.filter(({ key }) => key.endsWith(odd))
        if (object === undefined) throw new Error(`${odd} is not listed`)
        expect(others, odd).toEqual([])
        const to = `${world.folder}/odd`
        await places.fetch(world.store, object, to)
        expect(Buffer.from((await world.local(to)) ?? []).toString()).toBe(`the bytes of ${odd}`)
        if (world.digests === 'kept') expect(await places.digestOf(world.store, object)).not.toBeNull()
      }
      expect(world.names.length).toBeGreaterThan(3)
    })

    test('an object that was replaced since it was listed is refused, and nothing is left', async () => {
      if (!world.replaces) return
      await world.put(name, body)
      const object = await named(name)
      await world.put(name, Buffer.from('another dump'.repeat(500)))
      const to = `${world.folder}/${name}`
      await expect(places.fetch(world.store, object, to)).rejects.toMatchObject({
        code: 'verification',
        message: expect.stringContaining('replaced'),
      })
      expect(await world.local(to)).toBeNull()
      expect(await world.local(`${to}.partial`)).toBeNull()
    })

    test('stops with its scope, and gives no file its name', async () => {
      await world.put(name, body)
      const object = await named(name)
      const stop = new AbortController()
      const reason = new Error('second Ctrl-C')
      stop.abort(reason)
      const stopped = world.places(watchedScope({ signal: stop.signal }))
      await expect(stopped.list(world.store, pattern)).rejects.toBe(reason)
      await expect(stopped.fetch(world.store, object, `${world.folder}/${name}`)).rejects.toBe(reason)
      expect(await world.local(`${world.folder}/${name}`)).toBeNull()
    })
  })
}
