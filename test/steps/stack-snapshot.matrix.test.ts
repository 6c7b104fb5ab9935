import { describe, expect, it } from 'vitest'
import book from '../../runbooks/stack-snapshot.ts'
import type { Result } from '../../src/run/engine/ending.ts'
import { lay, fakeMachine, type FakeWorld } from '../../src/testing/index.ts'
import { provesItself } from '../fixtures/matrix.ts'
import { codexTarget, codexWorld, folder, idOf, root, textOf } from './fake-codex.ts'

const checklist = '/artifacts/checklist.md'
const pointer = (world: FakeWorld, name: string): string | null =>
  textOf(world, `${folder}/codex-latest-${name}`)
const latest = (world: FakeWorld): string =>
  `${root}/${textOf(world, `${root}/releases/stack-images.latest.path`)}`
const tagsOf = (world: FakeWorld, id: string): readonly string[] => world.images.images.get(id)?.tags ?? []

function taken(saves: boolean) {
  return (world: FakeWorld, _result: Result): void => {
    for (const [env, id] of [
      ['prod', idOf('1')],
      ['dev', idOf('2')],
    ] as const) {
      const tag = pointer(world, `${env}.tag`) ?? ''
      expect(tag).toMatch(new RegExp(`^codex-completions-api:${env}-\\d{8}-\\d{6}Z$`))
      expect(pointer(world, `${env}.iid`)).toBe(id)
      expect(tagsOf(world, id)).toContain(tag)
      const tar = `${folder}/${tag.replace(':', '-')}.tar`
      expect(pointer(world, `${env}.tarpath`)).toBe(saves ? tar : null)
      expect(world.disk.files.has(tar)).toBe(saves)
    }
    expect(JSON.parse(textOf(world, latest(world)) ?? '')).toMatchObject({
      repo_head: 'abc123400000',
      images: [
        {
          env: 'prod',
          compose_file: 'docker-compose.yml',
          service: 'app',
          compose_image: 'codex-completions-api:latest',
          image_id: idOf('1'),
        },
        { env: 'dev', compose_file: 'compose.dev.stack.yml' },
      ],
    })
    expect(textOf(world, `${folder}/codex-image-history.jsonl`)?.trim().split('\n')).toHaveLength(2)
  }
}

const common = {
  book,
  target: codexTarget,
  world: codexWorld,
  records: [checklist],
  dated: (path: string) => path.startsWith(folder) || path.includes('/releases/'),
}
provesItself({ ...common, name: 'stack-snapshot', params: {}, succeeded: taken(true) })

describe('stack-snapshot', () => {
  const run = async (world: FakeWorld, params = {}) =>
    fakeMachine(world, { book, target: codexTarget }).run(params)

  it('writes names into the lock, which is committed, and paths only where this machine keeps them', async () => {
    const world = codexWorld()
    expect(await run(world)).toMatchObject({ outcome: 'succeeded' })
    const lock = textOf(world, latest(world)) ?? ''
    const tar = `${pointer(world, 'prod.tag')?.replace(':', '-')}.tar`
    expect(JSON.parse(lock)).toMatchObject({ images: [{ env: 'prod', backup_tar: tar }, {}] })
    expect(lock).not.toMatch(/"\//)
    expect(
      JSON.parse(textOf(world, `${folder}/codex-image-history.jsonl`)?.split('\n')[0] ?? ''),
    ).toMatchObject({
      backup_tar: `${folder}/${tar}`,
      compose: 'docker-compose.yml',
    })
    const modeOf = (path: string) => world.disk.permissions.get(path)?.mode
    expect([latest(world), `${root}/releases/stack-images.latest.path`].map(modeOf)).toEqual([0o644, 0o644])
    expect(modeOf(`${folder}/codex-latest-prod.iid`)).not.toBe(0o644)
  })

  it('names a Compose file outside the checkout without its folder', async () => {
    const { images } = codexTarget
    if (images === undefined) throw new Error('the fake target has no images')
    const environments = images.environments.map((one) => ({
      ...one,
      stack: { ...one.stack, directory: `${root}/elsewhere` },
    }))
    const world = codexWorld()
    const machine = fakeMachine(world, {
      book,
      target: { ...codexTarget, images: { ...images, environments } },
    })
    expect(await machine.run()).toMatchObject({ outcome: 'succeeded' })
    const locks = [...world.disk.files.keys()].filter((path) => path.endsWith('.lock.json'))
    expect(JSON.parse(textOf(world, locks[0] ?? '') ?? '')).toMatchObject({
      images: [{ compose_file: 'docker-compose.yml' }, { compose_file: 'compose.dev.stack.yml' }],
    })
  })

  it('passes over an environment that has neither container nor image', async () => {
    const world = codexWorld()
    const dev = world.fleet.services.get('app-dev')
    if (dev !== undefined) dev.instance = null
    world.images.images.delete(idOf('2'))
    expect(await run(world)).toMatchObject({ outcome: 'succeeded' })
    expect([pointer(world, 'prod.iid'), pointer(world, 'dev.iid')]).toEqual([idOf('1'), null])
  })

  it('is refused where there is nothing to take a snapshot of, and where the disk has no room', async () => {
    const empty = codexWorld()
    for (const service of empty.fleet.services.values()) service.instance = null
    empty.images.images.clear()
    const before = empty.state()
    expect(await run(empty)).toMatchObject({ code: 'preflight', outcome: 'refused' })
    expect(empty.state()).toEqual(before)
    const full = codexWorld()
    full.disk.freeBytes = 1500
    expect(await run(full)).toMatchObject({ code: 'preflight', outcome: 'refused' })
  })

  it('takes several snapshots within a second, under different names, and loses no lock of the same day', async () => {
    const world = codexWorld()
    const locks = new Set<string>()
    for (let count = 1; count <= 3; count += 1) {
      expect(await run(world)).toMatchObject({ outcome: 'succeeded' })
      locks.add(latest(world))
      expect(tagsOf(world, idOf('1'))).toHaveLength(1 + count)
    }
    expect([...locks].every((lock) => textOf(world, lock) !== null)).toBe(true)
    expect(locks.size).toBe(3)
    expect(textOf(world, `${folder}/codex-image-history.jsonl`)?.trim().split('\n')).toHaveLength(6)
  })

  it('removes the pointer to a tar of another image where no tar is wanted', async () => {
    const world = codexWorld()
    lay(world.disk, `${folder}/codex-latest-prod.tarpath`, '/old.tar')
    expect(await run(world, { skipSave: true })).toMatchObject({ outcome: 'succeeded' })
    expect(pointer(world, 'prod.tarpath')).toBeNull()
  })
})
