import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Images } from '../../src/drivers/images.ts'
import type { Scope } from '../../src/drivers/scope.ts'
import { watchedScope } from '../fixtures/scope.ts'

/** Two different images, `one` and `two`, that nothing else on the machine knows. */
export interface ImagesWorld {
  images(scope: Scope): Images
  /** `NAME`, without a tag: `NAME:one` and `NAME:two` are there. */
  readonly repository: string
  /** A reference that a pull finds; the image is `one`. */
  readonly remote: string
  /** A reference that no pull finds. */
  readonly nowhere: string
  /** A folder for files. */
  readonly folder: string
  cut(file: string): Promise<void>
  flip(file: string): Promise<void>
  exists(file: string): Promise<boolean>
  /** Makes a container of the image, which never starts. @returns its name */
  use(id: string): Promise<string>
  close(): Promise<void>
}

export function imagesContract(kind: string, open: () => Promise<ImagesWorld>): void {
  describe(`images: ${kind}`, () => {
    let world: ImagesWorld
    let images: Images
    const name = (tag: string): string => `${world.repository}:${tag}`
    const idOf = async (tag: string): Promise<string | null> => (await images.find(name(tag)))?.id ?? null
    beforeEach(async () => {
      world = await open()
      images = world.images(watchedScope())
    })
    afterEach(() => world.close())

    test('finds by name and by id, and says null for what is not there', async () => {
      const one = await images.find(name('one'))
      expect(one).toMatchObject({
        id: expect.stringMatching(/^sha256:/),
        tags: [name('one')],
        bytes: expect.any(Number),
      })
      expect(await images.find(one?.id ?? '')).toEqual(one)
      expect(await images.find(name('none'))).toBeNull()
      expect(await images.find(`sha256:${'0'.repeat(64)}`)).toBeNull()
      expect((await images.list(world.repository)).map(({ id }) => id).sort()).toEqual(
        [await idOf('one'), await idOf('two')].sort(),
      )
    })

    test('what was pulled has the digest of its registry, and what was built here has none', async () => {
      expect(await images.digests(name('one'))).toEqual([])
      expect(await images.digests(name('none'))).toBeNull()
      const { id } = await images.pull(world.remote)
      const [repository = ''] = world.remote.split(/:(?!.*[:/])/)
      const digests = await images.digests(id)
      expect(digests).toEqual([expect.stringMatching(/@sha256:[0-9a-f]{64}$/)])
      expect(digests?.[0]?.startsWith(`${repository}@`)).toBe(true)
    })

    test('a name moves, and the image that had it stays', async () => {
      const [one, two] = [await idOf('one'), await idOf('two')]
      await images.tag(one ?? '', name('two'))
      expect(await idOf('two')).toBe(one)
      expect(await images.find(two ?? '')).toMatchObject({ tags: [] })
      await images.tag(two ?? '', name('two'))
      expect([await idOf('one'), await idOf('two')]).toEqual([one, two])
      await expect(images.tag(`sha256:${'0'.repeat(64)}`, name('x'))).rejects.toMatchObject({
        code: 'failed',
      })
    })

    test('an image outlives its last name', async () => {
      const one = (await idOf('one')) ?? ''
      await images.tag(one, name('more'))
      await images.untag(name('more'))
      expect(await images.find(one)).toMatchObject({ tags: [name('one')] })
      await images.untag(name('one'))
      await images.untag(name('one'))
      expect(await idOf('one')).toBeNull()
      expect(await images.find(one)).toMatchObject({ id: one, tags: [] })
    })

    test('what is saved by its name, and by its id, can be loaded once the image is gone', async () => {
      const one = (await idOf('one')) ?? ''
      for (const [reference, tags] of [
        [name('one'), [name('one')]],
        [one, []],
      ] as const) {
        const file = `${world.folder}/${tags.length}.tar`
        expect(await images.save(reference, file)).toMatchObject({ ids: expect.arrayContaining([one]), tags })
        expect(await world.exists(`${file}.partial`)).toBe(false)
        expect(await images.archived(file)).toMatchObject([{ ids: expect.arrayContaining([one]), tags }])
        await images.remove(one)
        await images.remove(one)
        expect(await images.find(one)).toBeNull()
        expect(await images.load(file)).toMatchObject([{ id: one, tags }])
        expect(await images.load(file)).toMatchObject([{ id: one, tags }])
        await images.tag(one, name('one'))
      }
    })

    test('tells who uses an image, and removes none that is used', async () => {
      const one = (await idOf('one')) ?? ''
      expect(await images.users(one)).toEqual([])
      const container = await world.use(one)
      expect(await images.users(one)).toEqual([container])
      expect(await images.users((await idOf('two')) ?? '')).toEqual([])
      await expect(images.remove(one)).rejects.toMatchObject({
        code: 'failed',
        message: expect.stringContaining(container),
      })
      expect(await idOf('one')).toBe(one)
    })

    test('a file that is cut off, altered, or none is refused, and nothing is loaded', async () => {
      const one = (await idOf('one')) ?? ''
      for (const damage of ['cut', 'flip'] as const) {
        const file = `${world.folder}/${damage}.tar`
        await images.save(name('one'), file)
        await world[damage](file)
        await expect(images.archived(file)).rejects.toMatchObject({
          code: 'verification',
          message: expect.stringContaining(file),
        })
        await images.untag(name('one'))
        await expect(images.load(file)).rejects.toMatchObject({ code: 'verification' })
        expect(await idOf('one')).toBeNull()
        await images.tag(one, name('one'))
      }
      await expect(images.archived(`${world.folder}/none.tar`)).rejects.toMatchObject({ code: 'failed' })
      await expect(images.save(name('none'), `${world.folder}/none.tar`)).rejects.toMatchObject({
        code: 'failed',
      })
      expect(await world.exists(`${world.folder}/none.tar`)).toBe(false)
    })

    test('fetches from a registry', async () => {
      expect(await images.pull(world.remote)).toMatchObject({
        id: await idOf('one'),
        tags: expect.arrayContaining([world.remote]),
      })
      await expect(images.pull(world.nowhere)).rejects.toMatchObject({
        code: 'failed',
        hint: expect.stringContaining('docker pull'),
      })
    })
  })
}
