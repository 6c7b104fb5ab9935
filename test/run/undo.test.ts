import { describe, expect, it } from 'vitest'
import { cannot } from '../../src/kernel/errors.ts'
import { bench, fail, look, put, putting, textOf, told, type Loose } from './bench.ts'

/** Changes `/a` with an undo that may misbehave, and then fails. */
const gone = (other: Partial<typeof putting>) =>
  bench(({ step, lastly }: Loose) => {
    step('First', put('/a', 'new', other))
    step(
      'Fails',
      look(async () => fail('no')),
    )
    lastly('Tell', put('/told', 'yes'))
  })
const tries = (machine: ReturnType<typeof gone>['machine']): readonly string[] =>
  told(machine).filter((one) => one.startsWith('undo'))

/** Fails because a server is down, as drivers say it. */
const down = (): never => {
  throw cannot('look', 'at the shop', 'its container is exited', {
    code: 'preflight',
    hint: 'start it: docker start shop-db-1',
    down: 'shop/db',
  })
}

describe('an undo of which something is down', () => {
  it('waits for it and goes on, and says what it waits for and how to start it', async () => {
    let up = false
    const { machine, world } = gone({
      undo: async (io, act) => (up ? putting.undo?.(io, act) : down()),
    })
    const began = world.clock.monotonic()
    void world.clock.sleep(60_000).then(() => (up = true))
    expect(await machine.run()).toMatchObject({ code: 'failed', outcome: 'rolled-back' })
    expect(textOf(world, '/a')).toBe('old')
    expect(world.clock.monotonic() - began).toBeLessThan(60_000 + 16_000)
    const notes = machine.events.flatMap((event) => (event.type === 'note' ? [event.line] : []))
    expect(notes.find((note) => note.startsWith('waiting'))).toBe(
      'waiting for shop/db, for 300 s at most: cannot look at the shop: its container is exited; start it: docker start shop-db-1',
    )
    // The longer it lasts, the less often it looks.
    expect(tries(machine).length).toBeLessThan(20)
  })

  it('does not give up before five minutes, and then says why', async () => {
    const { machine, world } = gone({
      probe: async (at, act) => (act.way === 'back' ? down() : putting.probe(at, act)),
    })
    const began = world.clock.monotonic()
    expect(await machine.run()).toMatchObject({
      code: 'rollback-incomplete',
      failure: {
        message: 'cannot undo "First": cannot look at the shop: its container is exited',
        hint: 'start it: docker start shop-db-1',
      },
    })
    const waited = world.clock.monotonic() - began
    expect(waited).toBeGreaterThanOrEqual(300_000)
    expect(waited).toBeLessThan(330_000)
    expect(tries(machine).at(-1)).toBe('undo-ended first failed')
  })

  it('has its three tries for other failures all the same', async () => {
    let times = 0
    const { machine } = gone({ undo: async () => ((times += 1) === 1 ? down() : fail('never')) })
    expect(await machine.run()).toMatchObject({ code: 'rollback-incomplete' })
    expect(times).toBe(4)
  })

  it('is left at once by Ctrl-C, and the way back goes on later', async () => {
    let up = false
    const one = gone({ undo: async (io, act) => (up ? putting.undo?.(io, act) : down()) })
    void one.world.clock.sleep(20_000).then(() => one.machine.stop.ask('SIGINT'))
    const began = one.world.clock.monotonic()
    expect(await one.machine.run()).toMatchObject({ code: 'interrupted', outcome: 'open' })
    expect(one.world.clock.monotonic() - began).toBeLessThan(21_000)
    up = true
    expect(await one.machine.rollback()).toMatchObject({ outcome: 'rolled-back' })
  })
})

describe('an undo', () => {
  it('is proven by the probe, and each of its tries is journaled', async () => {
    let times = 0
    const { machine, world } = gone({
      undo: async (io, act) => ((times += 1) < 3 ? fail('not yet') : putting.undo?.(io, act)),
    })
    const began = world.clock.monotonic()
    expect(await machine.run()).toMatchObject({ code: 'failed', outcome: 'rolled-back' })
    expect(tries(machine)).toEqual([
      'undo-intent first 1',
      'undo-ended first failed again',
      'undo-intent first 2',
      'undo-ended first failed again',
      'undo-intent first 3',
      'undo-ended first undone',
    ])
    expect(world.clock.monotonic() - began).toBeGreaterThanOrEqual(4_000)
    expect(textOf(world, '/a')).toBe('old')
  })

  it('that fails three times stops the way back, and the end is told all the same', async () => {
    const { machine, world } = gone({ undo: async () => fail('never') })
    expect(await machine.run()).toMatchObject({
      code: 'rollback-incomplete',
      outcome: 'needs-human',
      failure: { code: 'rollback-incomplete', message: 'cannot undo "First": never' },
    })
    expect(tries(machine).at(-1)).toBe('undo-ended first failed')
    expect(textOf(world, '/told')).toBe('yes')
  })

  it('that says it undid and did not is a failed one', async () => {
    const { machine } = gone({ undo: async () => undefined })
    expect(await machine.run()).toMatchObject({
      code: 'rollback-incomplete',
      failure: { message: expect.stringContaining('its effect is still there') as string },
    })
  })

  it('is not run where the effect is not there any more', async () => {
    const { machine, world } = gone({ undo: async () => fail('it was asked to') })
    const { drivers } = world
    world.drivers = (scope) => {
      if (told(machine).includes('turned')) world.disk.files.set('/a', Buffer.from('old'))
      return drivers(scope)
    }
    expect(await machine.run()).toMatchObject({ outcome: 'rolled-back' })
    expect(tries(machine)).toEqual(['undo-intent first 1', 'undo-ended first absent'])
  })

  it('is not guessed at where nobody can tell what is there', async () => {
    const undone: string[] = []
    const { machine } = gone({
      probe: async (at, act) =>
        act.way === 'back' ? { is: 'unknown', why: 'nobody answers' } : putting.probe(at, act),
      undo: async () => void undone.push('x'),
    })
    expect(await machine.run()).toMatchObject({
      code: 'rollback-incomplete',
      failure: { message: expect.stringContaining('nobody answers') as string },
    })
    expect(undone).toEqual([])
  })

  it('is given what was on disk before the effect, and the output where there was one', async () => {
    const given: unknown[] = []
    const { machine } = gone({ undo: async (io, act) => (given.push(act), putting.undo?.(io, act)) })
    await machine.run()
    expect(given).toEqual([
      { input: { path: '/a', text: 'new' }, before: { was: 'old' }, output: { path: '/a', text: 'new' } },
    ])
  })

  it('that hangs ends with its time, and counts as a try', async () => {
    let times = 0
    const { machine } = bench(({ step }) => {
      step(
        'First',
        put('/a', 'new', {
          undo: async (io, act) =>
            (times += 1) === 1 ? io.clock.sleep(1e7, io.signal) : putting.undo?.(io, act),
        }),
        { timeoutSeconds: 5 },
      )
      step(
        'Fails',
        look(async () => fail('no')),
      )
    })
    expect(await machine.run()).toMatchObject({ outcome: 'rolled-back' })
    expect(times).toBe(2)
  })

  it('that does not end when told to leaves a doubt', async () => {
    const { machine } = bench(({ step }) => {
      step('First', put('/a', 'new', { undo: async () => new Promise(() => undefined) }), {
        timeoutSeconds: 5,
      })
      step(
        'Fails',
        look(async () => fail('no')),
      )
    })
    expect(await machine.run()).toMatchObject({
      code: 'in-doubt',
      outcome: 'needs-human',
      doubt: 'undo of First',
    })
  })

  it('goes in reverse order over all that may be done, the failed step included, and over nothing else', async () => {
    const { machine, world } = bench(({ step, parallel }) => {
      step('One', put('/a', 'new'))
      step('Not ours', put('/d', 'old'))
      parallel('Both', () => {
        step('Two', put('/b', 'new'))
        step(
          'Look',
          look(async () => null),
        )
      })
      step(
        'Three',
        put('/c', 'new', { run: async (io) => (await io.files.write('/c', 'half'), fail('broke')) }),
      )
      step('Never', put('/e', 'new'))
    })
    expect(await machine.run()).toMatchObject({ outcome: 'rolled-back' })
    expect(told(machine).filter((one) => one.startsWith('undo-ended'))).toEqual([
      'undo-ended three undone',
      'undo-ended two undone',
      'undo-ended one undone',
    ])
    expect(['/a', '/b', '/c', '/d', '/e'].map((path) => textOf(world, path))).toEqual([
      'old',
      'old',
      'old',
      'old',
      null,
    ])
  })

  it('never happens behind the point of no return', async () => {
    let broken = true
    const { machine, world } = bench(({ step, pointOfNoReturn, lastly }) => {
      step('One', put('/a', 'new'))
      pointOfNoReturn('It is new.')
      step(
        'Two',
        put('/b', 'new', {
          run: async (io, { input }) => (
            await io.files.write('/b', broken ? 'half' : 'new'),
            broken ? fail('broke') : input
          ),
        }),
      )
      lastly('Tell', put('/told', 'yes'))
    })
    expect(await machine.run()).toMatchObject({
      code: 'in-doubt',
      outcome: 'needs-human',
      failure: { message: 'broke' },
    })
    expect(textOf(world, '/a')).toBe('new')
    await expect(machine.rollback()).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('past its point of no return') as string,
    })
    broken = false
    expect(await machine.resume()).toMatchObject({ code: 'succeeded' })
    expect([textOf(world, '/a'), textOf(world, '/b')]).toEqual(['new', 'new'])
    // The half of it was cleared away before it was begun anew: that is no way back of the run.
    expect(told(machine).filter((one) => one.startsWith('undo-ended'))).toEqual(['undo-ended two undone'])
    expect(told(machine)).not.toContain('turned')
  })
})
