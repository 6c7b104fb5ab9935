import { describe, expect, it } from 'vitest'
import { bench, fail, look, put, putting, textOf, told, type Bench } from './bench.ts'

const asking = (get: () => Bench, times = 1): void => {
  for (let one = 0; one < times; one += 1) get().machine.stop.ask('SIGINT')
}

describe('the first Ctrl-C', () => {
  it('lets the step end, stops before the next, and the run is taken up from there', async () => {
    const one: Bench = bench(({ step }) => {
      step('First', put('/a', 'new', { run: async (io, act) => (asking(() => one), putting.run(io, act)) }))
      step('Second', put('/b', 'new'))
    })
    const { machine, world } = one
    expect(await machine.run()).toMatchObject({ code: 'interrupted', outcome: 'open', doubt: null })
    expect(told(machine).slice(-2)).toEqual(['ended first done', 'interrupted'])
    expect(await machine.resume()).toMatchObject({ code: 'succeeded', outcome: 'succeeded' })
    expect(told(machine).filter((line) => line.startsWith('intent'))).toEqual([
      'intent first 1',
      'intent second 1',
    ])
    expect(textOf(world, '/b')).toBe('new')
  })

  it('lets every member of a group end', async () => {
    const one: Bench = bench(({ step, parallel }) => {
      parallel('Both', () => {
        step(
          'Quick',
          look(async () => (asking(() => one), null)),
        )
        step(
          'Slow',
          put('/a', 'new', { run: async (io, act) => (await io.clock.sleep(1_000), putting.run(io, act)) }),
        )
      })
      step('Next', put('/b', 'new'))
    })
    expect(await one.machine.run()).toMatchObject({ code: 'interrupted' })
    expect(told(one.machine)).toEqual(expect.arrayContaining(['ended quick done', 'ended slow done']))
    expect(textOf(one.world, '/b')).toBe('old')
  })

  it('ends the wait between two attempts at once, and the attempts go on when it is taken up', async () => {
    let runs = 0
    const one: Bench = bench(
      ({ step }) =>
        void step(
          'First',
          put('/a', 'new', {
            run: async (io, act) => {
              runs += 1
              if (runs > 1) return putting.run(io, act)
              void io.clock.sleep(100_000).then(() => asking(() => one))
              return fail('not yet')
            },
          }),
          { retry: { times: 1, delaySeconds: 86_400 } },
        ),
    )
    const began = one.world.clock.monotonic()
    expect(await one.machine.run()).toMatchObject({ code: 'interrupted', outcome: 'open' })
    expect(one.world.clock.monotonic() - began).toBeLessThan(200_000)
    expect(runs).toBe(1)
    expect(await one.machine.resume()).toMatchObject({ code: 'succeeded' })
    expect(runs).toBe(2)
  })

  it('ends the wait between two undos at once, and the way back goes on when it is taken up', async () => {
    let undos = 0
    const one: Bench = bench(({ step }) => {
      step(
        'First',
        put('/a', 'new', {
          undo: async (io, act) => {
            undos += 1
            if (undos > 1) return putting.undo?.(io, act)
            void io.clock.sleep(100).then(() => asking(() => one))
            return fail('not yet')
          },
        }),
      )
      step(
        'Fails',
        look(async () => fail('no')),
      )
    })
    expect(await one.machine.run()).toMatchObject({ code: 'interrupted', outcome: 'open' })
    expect(undos).toBe(1)
    await expect(one.machine.resume()).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('it is already rolling back') as string,
    })
    expect(await one.machine.rollback()).toMatchObject({ code: 'succeeded', outcome: 'rolled-back' })
    expect(textOf(one.world, '/a')).toBe('old')
  })

  it('stops the looks ahead before the next one, with nothing begun', async () => {
    const one: Bench = bench(
      ({ step }) => void step('First', put('/a', 'new', { preflight: async () => (asking(() => one), []) })),
    )
    expect(await one.machine.run()).toMatchObject({ code: 'interrupted', outcome: 'open' })
    expect(told(one.machine).filter((line) => line.startsWith('intent'))).toEqual([])
    expect(await one.machine.rollback()).toMatchObject({ outcome: 'rolled-back' })
  })

  it('says TERM where it was TERM', async () => {
    const one: Bench = bench(({ step }) => {
      step(
        'First',
        look(async () => (one.machine.stop.ask('SIGTERM'), null)),
      )
      step(
        'Second',
        look(async () => null),
      )
    })
    expect(await one.machine.run()).toMatchObject({ code: 'terminated' })
  })
})

describe('the second Ctrl-C', () => {
  const cut = (run: typeof putting.run): Bench => {
    const one: Bench = bench(({ step }) => {
      step('First', put('/a', 'new', { run: async (io, act) => (asking(() => one, 2), run(io, act)) }))
      step('Second', put('/b', 'new'))
    })
    return one
  }

  it('ends the step and leaves it in doubt, which the probe settles', async () => {
    const { machine, world } = cut(async (io) => (await io.files.write('/a', 'new'), fail('not reached')))
    expect(await machine.run()).toMatchObject({ code: 'in-doubt', outcome: 'open', doubt: 'First' })
    expect(told(machine).slice(-2)).toEqual(['intent first 1', 'interrupted'])
    expect(textOf(world, '/a')).toBe('old')
    expect(await machine.resume()).toMatchObject({ code: 'in-doubt' })
  })

  it('is not waited for longer than the grace where the step is deaf', async () => {
    const { machine, world } = cut(async () => new Promise(() => undefined))
    const began = world.clock.monotonic()
    expect(await machine.run()).toMatchObject({ code: 'in-doubt', doubt: 'First' })
    expect(world.clock.monotonic() - began).toBeLessThanOrEqual(5_000)
    expect(await machine.rollback()).toMatchObject({ code: 'succeeded', outcome: 'rolled-back' })
  })

  it('keeps a step that has not begun from beginning', async () => {
    let looked = false
    const one: Bench = bench(
      ({ step }) =>
        void step(
          'First',
          look(async () => (looked = true)),
        ),
    )
    one.machine.journal.beforeAppend = (_, { type }) => {
      if (type === 'intent') asking(() => one, 2)
    }
    // Nothing that changes the world was cut off.
    expect(await one.machine.run()).toMatchObject({ code: 'interrupted', outcome: 'open' })
    expect(looked).toBe(false)
  })

  it('at a question is a stop where nothing is in doubt', async () => {
    const one: Bench = bench(({ step }) => {
      step(
        'Look',
        look(async (at) => {
          asking(() => one, 2)
          await at.clock.sleep(1e6, at.signal)
          return null
        }),
      )
    })
    expect(await one.machine.run()).toMatchObject({ code: 'interrupted', outcome: 'open' })
  })

  it('in a dry run leaves nothing behind that could be in doubt', async () => {
    const one: Bench = bench(
      ({ step }) =>
        void step(
          'Look',
          look(async () => (asking(() => one, 2), new Promise(() => undefined))),
        ),
    )
    expect(await one.machine.dryRun()).toMatchObject({ code: 'interrupted', outcome: 'open' })
  })
})

it('a question that was left with Ctrl-C, before anything was touched, is no failure', async () => {
  const { machine } = bench(
    ({ step }) =>
      void step(
        'Ask',
        look(async () => fail('left with Ctrl-C', 'interrupted')),
      ),
  )
  expect(await machine.run()).toMatchObject({ code: 'interrupted', outcome: 'rolled-back' })
})

it('and is one where something had to be taken back', async () => {
  const { machine } = bench(({ step }) => {
    step('First', put('/a', 'new'))
    step(
      'Ask',
      look(async () => fail('left with Ctrl-C', 'interrupted')),
    )
  })
  expect(await machine.run()).toMatchObject({ code: 'failed', outcome: 'rolled-back' })
})
