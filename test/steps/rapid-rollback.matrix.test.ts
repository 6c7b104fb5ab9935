import { describe, expect, it } from 'vitest'
import rapid from '../../runbooks/rapid-rollback.ts'
import { memoryMachine, type MemoryWorld } from '../../src/testing/index.ts'
import { partsOfName } from '../../steps/images/names.ts'
import { provesItself } from '../fixtures/matrix.ts'
import { backend, badlyDeployed, braceShop, frontend, released } from './pretended-brace.ts'

const checklist = '/artifacts/checklist.md'
const runs = (world: MemoryWorld): readonly unknown[] => released.map((name) => world.fleet.services.get(name)?.instance?.imageId)
const good = [backend.good, frontend.good, backend.good, backend.good]

provesItself({
  name: 'rapid-rollback', book: rapid, target: braceShop, params: { to: '1.4' }, world: badlyDeployed, records: [checklist],
  succeeded: (world) => {
    expect(runs(world)).toEqual(good)
    expect(world.images.images.get(backend.good)?.tags).toContain('brace/backend:latest')
    // The bad release keeps a name of its own, or the next clearing away would take it.
    expect(world.images.images.get(backend.bad)?.tags).toEqual([expect.stringMatching(/^brace\/backend:before-/)])
    expect(Buffer.from(world.disk.files.get(checklist) ?? []).toString()).toContain('| succeeded | 1.4 |')
  },
})

provesItself({
  name: 'rapid-rollback where a service had been stopped', book: rapid, target: braceShop, params: { to: '1.4' }, records: [checklist],
  world: () => {
    const world = badlyDeployed()
    world.fleet.services.get('scheduler')!.instance!.state = 'stopped'
    return world
  },
  succeeded: (world) => expect(runs(world)).toEqual(good),
})

describe('rapid-rollback', () => {
  const machine = (world: MemoryWorld) => memoryMachine(world, { book: rapid, target: braceShop })
  const refused = async (world: MemoryWorld, params: { readonly to: string }, words: RegExp): Promise<void> => {
    const before = world.state()
    const result = await machine(world).run(params)
    expect(result.outcome ?? result.code).toMatch(/refused|usage|preflight/)
    expect(JSON.stringify(result)).toMatch(words)
    expect({ ...world.state(), files: {} }).toEqual({ ...before, files: {} })
  }

  it('goes back when the frontend answers 200 with something that is no page', async () => {
    const world = badlyDeployed()
    const before = world.state()
    world.web.answers.set('http://brace/', [{ status: 200, text: 'upstream is down' }])
    expect(await machine(world).run({ to: '1.4' })).toMatchObject({ outcome: 'rolled-back', failure: { message: expect.stringContaining('<!doctype html>') as string } })
    expect({ ...world.state(), files: {} }).toEqual({ ...before, files: {} })
  })

  it('refuses a release of which an image is missing, and names those that are there', () => refused(badlyDeployed(), { to: '1.5' }, /no image brace\/backend:1\.5 for backend.*brace\/backend:latest, brace\/backend:1\.4|no image brace\/backend:1\.5/))
  it.each(['', '-rf', '../x', 'a b', 'x'.repeat(200), '1.4@sha256:0'])('refuses %j as a tag', (to) => refused(badlyDeployed(), { to }, /is no tag of an image/))
  it('refuses the release that runs', async () => {
    const world = badlyDeployed()
    world.images.images.get(backend.bad)!.tags = ['brace/backend:1.5', 'brace/backend:latest']
    await refused(world, { to: '1.5' }, /run the release 1\.5 already/)
  })
  it('refuses to let a tag that says a version mean another one', async () => {
    const world = badlyDeployed()
    world.fleet.services.get('backend')!.declared = 'brace/backend:1.5'
    await refused(world, { to: '1.4' }, /must not come to mean another one/)
  })
  it('refuses an image that is named by its digest', async () => {
    const world = badlyDeployed()
    world.fleet.services.get('backend')!.declared = `brace/backend@${backend.bad}`
    await refused(world, { to: '1.4' }, /by its digest/)
  })
  it.each([
    ['brace/backend', 'brace/backend', 'latest'], ['brace/backend:1.4', 'brace/backend', '1.4'], ['box:5000/backend', 'box:5000/backend', 'latest'], ['box:5000/backend:stable', 'box:5000/backend', 'stable'],
  ])('reads the name %s as %s and %s', (name, repository, tag) => expect(partsOfName(name)).toEqual({ repository, tag }))
})
