import { describe, expect, it } from 'vitest'
import rollback from '../../runbooks/full-db-rollback.ts'
import rapid from '../../runbooks/rapid-rollback.ts'
import { setVariable } from '../../steps/config/set-variable.ts'
import { tagImages } from '../../steps/images/tag-images.ts'
import {
  fakeMachine,
  type FakeMachine,
  fakeWorld,
  lay,
  emptyStore,
  fakeImage,
  type FakeWorld,
} from '../../src/testing/index.ts'
import { standingOf } from '../../src/run/journal/standing.ts'
import { stateOf } from '../../src/run/journal/state.ts'
import { bench, bookOf, fail, look, put, target, textOf, type Loose } from '../run/bench.ts'
import { badlyLinked, badlyPinned, linkedShop, pinnedShop } from './fake-brace.ts'
import { damagedShop, shop } from './fake-shop.ts'

const params = { strategy: 'beside' }

/** A run that fails when the writers are started, at which moment somebody whom no lock kept out meddles. */
function meddledWith(meddle: (world: FakeWorld) => void) {
  const world = damagedShop()
  world.faults.order('services.start done', 'fail')
  let swapped = false
  world.fleet.beforeChange = async (operation) => {
    if (operation !== 'start' || swapped) return
    swapped = true
    meddle(world)
  }
  return { world, machine: fakeMachine(world, { book: rollback, target: shop }) }
}

const remainsOf = ({ entries }: FakeMachine) => stateOf(entries).remains

const undone = ({ entries }: FakeMachine): readonly string[] =>
  entries.flatMap(({ entry }) => (entry.type === 'undo-intent' ? [entry.step] : []))

describe('a rollback of a run that was killed once its service was up again', () => {
  /** Dead in its health checks: the writers run on the restored data. */
  async function dead() {
    const world = damagedShop()
    world.faults.order('http.get', 'kill')
    const machine = fakeMachine(world, { book: rollback, target: shop })
    await expect(machine.run(params)).rejects.toMatchObject({ name: 'Killed' })
    const states = () =>
      [...world.fleet.services].map(([name, { instance }]) => [name, instance?.id, instance?.state])
    return { world, machine, states }
  }

  it('stops no writer where another run replaced the live database, and says what is as it was', async () => {
    const { world, machine, states } = await dead()
    const [before, mine] = [states(), world.server.databases.get('shop')]
    world.server.databases.set('shop', { tables: { orders: [] }, generation: 'of another', owner: 'app' })
    for (const _ of [1, 2]) {
      expect(await machine.rollback()).toMatchObject({
        code: 'in-doubt',
        outcome: 'needs-human',
        doubt: null,
        failure: { message: expect.stringContaining('so nothing was undone') as string },
      })
      expect(states()).toEqual(before)
      expect(undone(machine)).toEqual([])
      expect(standingOf(machine.entries)).toMatchObject({
        down: [],
        unsure: [],
        changed: expect.arrayContaining(['Swap the restored database in', 'Start writers']) as string[],
      })
    }
    // Once a person has put it back, the same command completes.
    world.server.databases.set('shop', mine!)
    expect(await machine.rollback()).toMatchObject({ outcome: 'rolled-back' })
  })
})

describe('a resume of a run that was killed once its service was up again', () => {
  it('proves nothing where another run replaced the live database, and goes on once it is back', async () => {
    const world = damagedShop()
    world.faults.order('http.get', 'kill')
    const machine = fakeMachine(world, { book: rollback, target: shop })
    await expect(machine.run(params)).rejects.toMatchObject({ name: 'Killed' })
    const mine = world.server.databases.get('shop')
    world.server.databases.set('shop', { tables: { orders: [] }, generation: 'of another', owner: 'app' })
    for (const _ of [1, 2])
      expect(await machine.resume()).toMatchObject({
        code: 'in-doubt',
        outcome: 'needs-human',
        failure: {
          message: expect.stringContaining(
            'found before the run went on, so nothing more was changed',
          ) as string,
          hint: expect.stringMatching(/`runbook resume (\S+)` or `runbook rollback \1`/) as string,
        },
      })
    world.server.databases.set('shop', mine!)
    expect(await machine.resume()).toMatchObject({ outcome: 'succeeded' })
  })

  it('goes neither on nor back on a server that has neither database of the exchange', async () => {
    const world = damagedShop()
    world.faults.order('http.get', 'kill')
    const machine = fakeMachine(world, { book: rollback, target: shop })
    await expect(machine.run(params)).rejects.toMatchObject({ name: 'Killed' })
    const { databases } = world.server
    const mine = new Map(databases)
    const restore = (): void => {
      databases.clear()
      for (const [name, one] of mine) databases.set(name, one)
    }
    databases.clear()
    databases.set('shop', { tables: { orders: [] }, generation: 'of another server', owner: 'app' })
    expect(await machine.resume()).toMatchObject({ code: 'in-doubt', outcome: 'needs-human' })
    expect(await machine.rollback()).toMatchObject({ code: 'in-doubt', outcome: 'needs-human' })
    expect(undone(machine)).toEqual([])
    restore()
    expect(await machine.rollback()).toMatchObject({ outcome: 'rolled-back' })
  })
})

describe('an undo of a swap', () => {
  it('is in doubt where the live database is another one, and renames and drops nothing', async () => {
    const { world, machine } = meddledWith(({ server }) => {
      server.databases.set('shop', {
        tables: { orders: [{ id: 7 }] },
        generation: 'of another',
        owner: 'app',
      })
    })
    expect(await machine.run(params)).toMatchObject({
      code: 'in-doubt',
      outcome: 'needs-human',
      failure: {
        message:
          'the database shop is not the one that this run put there: somebody else replaced it; ' +
          'this was found before the first undo, so nothing was undone',
        // A run that rolls back refuses to resume, and no rollback helps where the other data is right.
        hint: expect.stringMatching(
          /^find out who did, and which data shop should have; nothing was renamed or dropped; then `runbook rollback (\S+)`; or, if the target is right as it is, `runbook unlock \1 --reason TEXT`/,
        ) as string,
      },
    })
    const names = [...world.server.databases.keys()]
    expect(names).toContain('shop')
    expect(names).toContainEqual(expect.stringContaining('shop__old_'))
    expect(world.server.databases.get('shop')?.tables).toEqual({ orders: [{ id: 7 }] })
    expect(await machine.rollback()).toMatchObject({ code: 'in-doubt' })
    expect([...world.server.databases.keys()]).toEqual(names)
    expect(undone(machine)).toEqual([])
  })

  it('is in doubt where the database under the name of the old one is another', async () => {
    const { world, machine } = meddledWith(({ server }) => {
      const aside = [...server.databases.keys()].find((name) => name.includes('__old_')) ?? ''
      server.databases.set(aside, { tables: { orders: [] }, generation: 'of another', owner: 'app' })
    })
    expect(await machine.run(params)).toMatchObject({
      code: 'in-doubt',
      failure: { message: expect.stringMatching(/^the database shop__old_\S+ is not the one/) as string },
    })
    expect(world.server.databases.size).toBe(2)
    expect(undone(machine)).toEqual([])
  })
})

describe('an undo of a restore beside', () => {
  it('drops only the copy that it made, and names the one that stays', async () => {
    const world = damagedShop()
    world.faults.order('services.stop', 'fail')
    const machine = fakeMachine(world, { book: rollback, target: shop })
    const copyOf = () => [...world.server.databases.keys()].find((name) => name.includes('__rb_'))
    const append = machine.journal.afterAppend
    machine.journal.afterAppend = (stored) => {
      append(stored)
      const copy = copyOf()
      if (stored.entry.type === 'turned' && copy !== undefined)
        world.server.databases.set(copy, { tables: { mine: [] }, generation: 'of another', owner: 'app' })
    }
    expect(await machine.run(params)).toMatchObject({ outcome: 'rolled-back' })
    expect(world.server.databases.get(copyOf() ?? '')?.tables).toEqual({ mine: [] })
    expect(remainsOf(machine)).toEqual([
      expect.stringMatching(/^shop__rb_\S+ stays: it is not the copy that this run made/),
      'the copy that this run made was not found beside the live database under any name',
    ])
  })
})

describe('an undo of a tag', () => {
  it('is in doubt where somebody else moved the name', async () => {
    const world = fakeWorld({ images: emptyStore() })
    const tagged = (id: string): void => {
      for (const one of ['old', 'new', 'other'])
        world.images.images.set(one, { ...fakeImage('shop:prod'), tags: one === id ? ['shop:prod'] : [] })
    }
    tagged('old')
    const book = bookOf(({ step }) => {
      step('Tag', tagImages({ names: [{ imageId: 'new', reference: 'shop:prod' }] }))
      step('Tag again', tagImages({ names: [{ imageId: 'missing', reference: 'shop:dev' }] }))
    })
    const machine = fakeMachine(world, { book, target })
    const append = machine.journal.afterAppend
    machine.journal.afterAppend = (stored) => {
      append(stored)
      if (stored.entry.type === 'turned') tagged('other')
    }
    expect(await machine.run()).toMatchObject({
      code: 'in-doubt',
      failure: { message: expect.stringContaining('shop:prod points at other') as string },
    })
    expect(world.images.images.get('other')?.tags).toEqual(['shop:prod'])
    expect(undone(machine)).toEqual([])
  })
})

describe('an undo of a changed file', () => {
  it('is in doubt where somebody else changed it, before a newer step is undone', async () => {
    const { world, machine } = bench(({ step }: Loose) => {
      step('Set', setVariable({ file: '/env', name: 'TAG', value: '2', scope: null }))
      step('Set again', setVariable({ file: '/env', name: 'OTHER', value: '2', scope: null }))
      step('Put', put('/b', 'new', { undoGuards: () => [] }))
      step(
        'Fails',
        look(async () => fail('no')),
      )
    })
    lay(world.disk, '/env', 'TAG=1\n')
    const append = machine.journal.afterAppend
    machine.journal.afterAppend = (stored) => {
      append(stored)
      if (stored.entry.type === 'turned') lay(world.disk, '/env', 'TAG=3\n')
    }
    expect(await machine.run()).toMatchObject({
      code: 'in-doubt',
      failure: { message: expect.stringMatching(/^\/env was changed .* nothing was undone$/) as string },
    })
    expect([textOf(world, '/env'), textOf(world, '/b'), undone(machine)]).toEqual(['TAG=3\n', 'new', []])
    // As the newest of the two steps had left it.
    lay(world.disk, '/env', 'TAG=2\nOTHER=2\n')
    expect(await machine.rollback()).toMatchObject({ outcome: 'rolled-back' })
    expect(textOf(world, '/env')).toBe('TAG=1\n')
  })
})

describe('an undo of services that were brought up', () => {
  const release = { to: '1.4' }
  /** A run that fails when health is checked, at which moment somebody deploys. */
  function deployedOver(meddle: (world: FakeWorld) => void) {
    const world = badlyPinned()
    let done = false
    for (const url of world.web.answers.keys())
      world.web.answers.set(url, [
        () => {
          if (!done) meddle(world)
          done = true
          return { status: 500 }
        },
      ])
    return { world, machine: fakeMachine(world, { book: rapid, target: pinnedShop }) }
  }
  const instances = ({ fleet }: FakeWorld) =>
    [...fleet.services].map(([name, { instance }]) => [name, instance?.id])

  it('is in doubt where somebody else deployed one of them, and recreates none', async () => {
    const { world, machine } = deployedOver(({ fleet }) => {
      const service = fleet.services.get('backend')!
      service.instance = {
        ...service.instance!,
        id: 'of another',
        image: 'brace/backend:1.6',
        imageId: 'sha256:16',
      }
    })
    expect(await machine.run(release)).toMatchObject({
      code: 'in-doubt',
      outcome: 'needs-human',
      failure: {
        message:
          'backend is not as this run left it: somebody else deployed meanwhile; ' +
          'this was found before the first undo, so nothing was undone',
      },
    })
    const before = instances(world)
    expect(await machine.rollback()).toMatchObject({ code: 'in-doubt' })
    expect(instances(world)).toEqual(before)
    expect(undone(machine)).toEqual([])
  })

  it('goes back where one was recreated just as this run had brought it up', async () => {
    const { machine } = deployedOver(({ fleet }) => {
      const service = fleet.services.get('backend')!
      service.instance = { ...service.instance!, id: 'restarted' }
    })
    expect(await machine.run(release)).toMatchObject({ outcome: 'rolled-back' })
  })

  it('is in doubt where somebody else pointed the link of the release elsewhere', async () => {
    const world = badlyLinked()
    for (const url of world.web.answers.keys())
      world.web.answers.set(url, [
        () => {
          for (const link of world.disk.links.keys()) world.disk.links.set(link, 'releases/9.9')
          return { status: 500 }
        },
      ])
    const machine = fakeMachine(world, { book: rapid, target: linkedShop })
    expect(await machine.run({ to: '2026-02-02' })).toMatchObject({
      code: 'in-doubt',
      failure: { message: expect.stringContaining('points at releases/9.9') as string },
    })
    expect([...world.disk.links.values()]).toContain('releases/9.9')
  })
})
