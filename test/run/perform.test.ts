import { describe, expect, it } from 'vitest'
import { param } from '../../src/model/param.ts'
import { defineStep } from '../../src/model/step.ts'
import { fakeFiles } from '../../src/testing/files.ts'
import { bench, ended, fail, look, put, putting, textOf, told } from './bench.ts'

const opening = ['opened', 'preflighted']

describe('a step that changes something', () => {
  it('is journaled before it acts, and proven before it counts', async () => {
    const { machine, world } = bench(({ step }) => void step('First', put('/a', 'new')))
    expect(await machine.run()).toMatchObject({ code: 'succeeded' })
    expect(told(machine)).toEqual([
      ...opening,
      'intent first 1',
      'ended first done',
      'settled succeeded',
      'sealed',
    ])
    const { reached } = world.faults
    expect(reached.indexOf('journal.append intent done')).toBeLessThan(reached.indexOf('files.write'))
    expect(machine.entries[2]?.entry).toMatchObject({
      input: { path: '/a', text: 'new' },
      before: { was: 'old' },
      prediction: { output: { path: '/a', text: 'new' } },
    })
  })

  it('is not done where it is done already, and then not undone either', async () => {
    const { machine, world } = bench(({ step }) => {
      step('First', put('/a', 'old'))
      step(
        'Second',
        look(async () => fail('no')),
      )
    })
    expect(await machine.run()).toMatchObject({ code: 'failed', outcome: 'rolled-back' })
    expect(told(machine)).toContain('ended first already')
    expect(told(machine).filter((one) => one.startsWith('undo'))).toEqual([])
    expect(world.faults.reached).not.toContain('files.write')
  })

  it('fails where it says that it is done and nothing is', async () => {
    const { machine, world } = bench(
      ({ step }) => void step('First', put('/a', 'new', { run: async (_, { input }) => input })),
    )
    expect(await machine.run()).toMatchObject({
      code: 'failed',
      outcome: 'rolled-back',
      failure: { message: '"First" ended without effect: it reported success but changed nothing' },
    })
    expect(textOf(world, '/a')).toBe('old')
  })

  it('fails where half of it is there, and is taken back', async () => {
    const { machine, world } = bench(
      ({ step }) =>
        void step(
          'First',
          put('/a', 'new', { run: async (io, { input }) => (await io.files.write('/a', 'half'), input) }),
        ),
    )
    expect(await machine.run()).toMatchObject({
      code: 'failed',
      outcome: 'rolled-back',
      failure: { message: '"First" ended without effect: /a says half' },
    })
    expect(told(machine)).toContain('undo-ended first undone')
    expect(textOf(world, '/a')).toBe('old')
  })

  it.each(['torn', 'unknown'] as const)('is not begun where the world is %s already', async (is) => {
    const { machine, world } = bench(
      ({ step }) =>
        void step('First', put('/a', 'new', { probe: async () => ({ is, why: 'it looks odd' }) })),
    )
    expect(await machine.run()).toMatchObject({
      code: 'failed',
      outcome: 'rolled-back',
      failure: {
        message: expect.stringContaining(
          'cannot start "First": the target is in a state that this run did not create',
        ) as string,
      },
    })
    expect(told(machine)).toEqual([
      ...opening,
      'ended first failed',
      'turned',
      'settled rolled-back',
      'sealed',
    ])
    expect(world.faults.reached).not.toContain('files.write')
  })

  it('may be begun over a torn world where it is rerunnable', async () => {
    let times = 0
    const { machine } = bench(
      ({ step }) =>
        void step(
          'First',
          put('/a', 'new', {
            rerunnable: true,
            probe: async (at, act) =>
              (times += 1) === 1 ? { is: 'torn', why: 'half' } : putting.probe(at, act),
          }),
        ),
    )
    expect(await machine.run()).toMatchObject({ code: 'succeeded' })
  })

  it.each([
    ['output', { run: async () => ({ path: '/a', text: undefined }) }],
    ['survey', { survey: async () => ({ was: new Date() }) }],
  ] as const)('fails where its %s is not JSON, and says where', async (_, wrong) => {
    const { machine, world } = bench(({ step }) => void step('First', put('/a', 'new', wrong as never)))
    expect(await machine.run()).toMatchObject({
      code: 'failed',
      outcome: 'rolled-back',
      failure: { message: expect.stringMatching(/"First".* (is not JSON: \$\.|ended without)/) as string },
    })
    expect(textOf(world, '/a')).toBe('old')
  })

  it('does not fail because it cannot be foretold, dated or described in time', async () => {
    const { machine } = bench(
      ({ step }) =>
        void step(
          'First',
          put('/a', 'new', { predict: () => fail('no idea'), marks: { dataAsOf: () => fail('no idea') } }),
        ),
    )
    expect(await machine.run()).toMatchObject({ code: 'succeeded' })
    expect(machine.entries[2]?.entry).toMatchObject({ prediction: null })
    expect(ended(machine, 'first')).toMatchObject({ dataAsOf: null })
  })

  it('cannot change what it was given: it would go on from what was never written', async () => {
    const { machine } = bench(({ step }) => {
      const first = step('First', put('/a', 'new'))
      step(
        'Second',
        look(
          async (_, input) => {
            Object.assign(input['of'] as object, { text: 'bent' })
            return null
          },
          {},
          { of: first as never },
        ),
      )
    })
    expect(await machine.run()).toMatchObject({
      outcome: 'rolled-back',
      failure: { message: expect.stringContaining('read only') as string },
    })
  })

  it('fails, and everything goes back, where a value is missing that an earlier step should have given', async () => {
    const { machine, world } = bench(({ step }) => {
      step('First', put('/a', 'new'))
      const seen = step(
        'Look',
        look(async () => ({})),
      )
      step(
        'Second',
        look(async () => null, {}, { of: (seen as unknown as { name: never }).name }),
      )
    })
    expect(await machine.run()).toMatchObject({
      outcome: 'rolled-back',
      failure: { message: '"Second" requires look.name, which has no value' },
    })
    expect(textOf(world, '/a')).toBe('old')
  })

  it('fails, and everything goes back, where its drivers cannot be made', async () => {
    const { machine, world } = bench(({ step }) => {
      step('First', put('/a', 'new'))
      step('Second', put('/b', 'new'))
    })
    const { drivers } = world
    world.drivers = (scope) =>
      scope.step === 'second' && told(machine).length > 3 && !told(machine).includes('turned')
        ? fail('no drivers today')
        : drivers(scope)
    expect(await machine.run()).toMatchObject({
      outcome: 'rolled-back',
      failure: { message: 'no drivers today' },
    })
    expect(textOf(world, '/a')).toBe('old')
  })
})

describe('a step that is tried again', () => {
  const flaky = (times: number, how: 'before' | 'after' | 'torn', retry: number) => {
    let runs = 0
    return bench(
      ({ step }) =>
        void step(
          'First',
          put('/a', 'new', {
            run: async (io, { input }) => {
              runs += 1
              if (runs <= times) {
                if (how !== 'before') await io.files.write('/a', how === 'torn' ? 'half' : 'new')
                fail('not yet')
              }
              await io.files.write('/a', 'new')
              return input
            },
          }),
          { retry: { times: retry, delaySeconds: 60 } },
        ),
    )
  }

  it('is run again where its effect is absent, after its wait', async () => {
    const { machine, world } = flaky(2, 'before', 2)
    const began = world.clock.monotonic()
    expect(await machine.run()).toMatchObject({ code: 'succeeded' })
    expect(told(machine).slice(2, 8)).toEqual([
      'intent first 1',
      'ended first failed again',
      'intent first 2',
      'ended first failed again',
      'intent first 3',
      'ended first done',
    ])
    expect(world.clock.monotonic() - began).toBeGreaterThanOrEqual(120_000)
  })

  it('is not run again where its effect is there after all', async () => {
    const { machine, world } = flaky(1, 'after', 3)
    expect(await machine.run()).toMatchObject({ code: 'succeeded' })
    expect(told(machine).slice(2, 5)).toEqual([
      'intent first 1',
      'ended first failed again',
      'ended first recovered',
    ])
    expect(world.faults.reached.filter((moment) => moment === 'files.write')).toHaveLength(1)
  })

  it('is cleared away before it is run again where it is torn, and an undo brings back what was before the first attempt', async () => {
    const { machine, world } = flaky(1, 'torn', 1)
    expect(await machine.run()).toMatchObject({ code: 'succeeded' })
    expect(told(machine).slice(2, 8)).toEqual([
      'intent first 1',
      'ended first failed again',
      'undo-intent first 1',
      'undo-ended first undone',
      'intent first 2',
      'ended first done',
    ])
    const intents = machine.entries.flatMap(({ entry }) => (entry.type === 'intent' ? [entry.before] : []))
    expect(intents).toEqual([{ was: 'old' }, { was: 'old' }])
    expect(textOf(world, '/a')).toBe('new')
  })

  it('turns the run round when all its attempts are spent', async () => {
    const { machine, world } = flaky(9, 'torn', 2)
    expect(await machine.run()).toMatchObject({ outcome: 'rolled-back', failure: { message: 'not yet' } })
    expect(told(machine).filter((one) => one.startsWith('intent'))).toHaveLength(3)
    expect(textOf(world, '/a')).toBe('old')
  })

  it.each(['verification', 'preflight', 'usage', 'bug', 'interrupted'] as const)(
    'is not tried again after a failure that is %s',
    async (code) => {
      const { machine } = bench(
        ({ step }) =>
          void step(
            'First',
            look(async () => fail('no', code)),
            { retry: { times: 5, delaySeconds: 1 } },
          ),
      )
      await machine.run()
      expect(told(machine).filter((one) => one.startsWith('intent'))).toHaveLength(1)
    },
  )

  it('waits for a person if it is unknown whether it took effect', async () => {
    let runs = 0
    const { machine } = bench(
      ({ step }) =>
        void step(
          'First',
          put('/a', 'new', {
            run: async () => ((runs += 1), fail('lost sight')),
            probe: async (at, act) =>
              runs === 1 ? { is: 'unknown', why: 'nobody answers' } : putting.probe(at, act),
          }),
          { retry: { times: 1, delaySeconds: 1 } },
        ),
    )
    expect(await machine.run()).toMatchObject({
      code: 'in-doubt',
      outcome: 'needs-human',
      doubt: 'First',
      failure: { code: 'in-doubt', message: 'cannot determine whether "First" took effect: nobody answers' },
    })
  })
})

describe('a step that takes too long', () => {
  it('is told to end, and what it did is taken back', async () => {
    const { machine, world } = bench(
      ({ step }) =>
        void step(
          'First',
          put('/a', 'new', {
            run: async (io) => {
              await io.files.write('/a', 'half')
              await io.clock.sleep(3_600_000, io.signal)
              return fail('it slept through')
            },
          }),
          { timeoutSeconds: 5 },
        ),
    )
    expect(await machine.run()).toMatchObject({
      outcome: 'rolled-back',
      failure: { message: expect.stringContaining('"First" timed out after 5 s') as string },
    })
    expect(told(machine)).toContain('ended first timeout')
    expect(textOf(world, '/a')).toBe('old')
  })

  it('leaves a doubt where it does not end when told to, and nothing more is done', async () => {
    const { machine, world } = bench(({ step, lastly }) => {
      step(
        'First',
        put('/a', 'new', {
          run: async (io) => (
            await io.files.write('/a', 'new'),
            await new Promise(() => undefined),
            fail('never')
          ),
        }),
        { timeoutSeconds: 5 },
      )
      lastly('Tell', put('/told', 'yes'))
    })
    expect(await machine.run()).toMatchObject({
      code: 'in-doubt',
      outcome: 'needs-human',
      doubt: 'First',
      failure: { message: '"First" did not stop within 4 s when told to' },
    })
    expect(textOf(world, '/told')).toBeNull()
    expect(textOf(world, '/a')).toBe('new')
    expect(told(machine).slice(-2)).toEqual(['settled needs-human', 'sealed'])
  })

  it('does nothing more once it was given up on, whatever it still tries', async () => {
    let woken: Promise<unknown> = Promise.resolve()
    let wake: () => void = () => undefined
    const { machine, world } = bench(
      ({ step }) =>
        void step(
          'First',
          put('/a', 'new', {
            run: async (io) => {
              await new Promise<void>((resolve) => {
                wake = resolve
              })
              woken = io.files.write('/a', 'late')
              await woken
              return fail('never')
            },
          }),
          { timeoutSeconds: 5 },
        ),
    )
    await machine.run()
    wake()
    await new Promise(setImmediate)
    await expect(woken).rejects.toThrow('"First" timed out after 5 s')
    expect(textOf(world, '/a')).toBe('old')
  })

  it('never acts after a survey that came back too late', async () => {
    const { machine, world } = bench(
      ({ step }) =>
        void step(
          'First',
          put('/a', 'new', {
            survey: async (at) => {
              await at.clock.sleep(6_000)
              return { was: 'old' }
            },
            probe: async () => ({ is: 'absent' }),
          }),
          { timeoutSeconds: 5 },
        ),
    )
    expect(await machine.run()).toMatchObject({ outcome: 'rolled-back' })
    expect(told(machine)).toEqual([
      ...opening,
      'ended first timeout',
      'turned',
      'settled rolled-back',
      'sealed',
    ])
    expect(world.faults.reached).not.toContain('files.write')
  })

  it('counts as done where it was late and is there', async () => {
    const { machine } = bench(
      ({ step }) =>
        void step(
          'First',
          look(async (at) => (await at.clock.sleep(6_000), 'seen')),
          { timeoutSeconds: 5 },
        ),
    )
    expect(await machine.run()).toMatchObject({ code: 'succeeded' })
  })
})

describe('a step that leaves a promise behind', () => {
  it('does nothing by it: its drivers are deaf once it has ended', async () => {
    let left: Promise<unknown> = Promise.resolve()
    const { machine, world } = bench(({ step }) => {
      step(
        'First',
        put('/a', 'new', {
          run: async (io, { input }) => {
            await io.files.write('/a', 'new')
            left = io.clock.sleep(1_000).then(() => io.files.write('/a', 'late'))
            left.catch(() => undefined)
            return input
          },
        }),
      )
      step(
        'Second',
        look(async (at) => (await at.clock.sleep(2_000), null)),
      )
    })
    const { drivers } = world
    // One that does not look at its signal.
    world.drivers = (scope) => ({ ...drivers(scope), files: fakeFiles(world.disk) })
    expect(await machine.run()).toMatchObject({ code: 'succeeded' })
    await expect(left).rejects.toThrow('"First" has ended')
    expect(textOf(world, '/a')).toBe('new')
  })
})

describe('a step that only looks', () => {
  it('has nothing to act with, even behind a cast', async () => {
    const { machine } = bench(
      ({ step }) =>
        void step(
          'First',
          look(async (at) => {
            const hands = at as unknown as {
              files: { write?: unknown }
              services: { stop?: unknown }
              databases: { swap?: unknown; drop?: unknown }
              people: { ask?: unknown }
              secrets: { reveal?: unknown }
              commands: { run?: unknown }
              orphans: { end?: unknown }
            }
            return [
              hands.files.write,
              hands.services.stop,
              hands.databases.swap,
              hands.databases.drop,
              hands.people.ask,
              hands.secrets.reveal,
              hands.commands.run,
              hands.orphans.end,
            ].map((one) => one === undefined)
          }),
        ),
    )
    await machine.run()
    expect(ended(machine, 'first')?.output).toEqual(Array.from({ length: 8 }, () => true))
  })
})

describe('a branch', () => {
  const ways = { way: param.choice('Way', ['one', 'other']) }
  it('is taken by a parameter or by what a step found, and the other is written down as left out', async () => {
    const { machine, world } = bench(
      ({ params, step, when }) => {
        const seen = step(
          'Look',
          look(async () => ({ fine: true })),
        )
        when(
          params['way'] as never,
          {
            one: () => step('One', put('/a', 'one')),
            other: () => step('Other', put('/a', 'other')),
          } as never,
        )
        when((seen as unknown as { fine: never }).fine, {
          true: () => step('Fine', put('/b', 'fine')),
          false: () => step('Not fine', put('/b', 'not fine')),
        } as never)
      },
      { params: ways },
    )
    expect(await machine.run({ way: 'other' })).toMatchObject({ code: 'succeeded' })
    expect([textOf(world, '/a'), textOf(world, '/b')]).toEqual(['other', 'fine'])
    expect(told(machine)).toEqual(expect.arrayContaining(['skipped one', 'skipped not-fine']))
    const because = machine.entries.flatMap(({ entry }) => (entry.type === 'skipped' ? [entry.because] : []))
    expect(because).toEqual([
      'only if --way is one, but it is other',
      'only if look.fine is false, but it is true',
    ])
  })

  it('fails its first step where what it hangs on was never given', async () => {
    const { machine } = bench(({ step, when }) => {
      const seen = step(
        'Look',
        look(async () => ({})),
      )
      when((seen as unknown as { fine: never }).fine, {
        true: () => step('Fine', put('/b', 'fine')),
      } as never)
    })
    expect(await machine.run()).toMatchObject({
      outcome: 'rolled-back',
      failure: { message: '"Fine" requires look.fine, which has no value' },
    })
  })
})

describe('a group', () => {
  it('lets all its members come to their end before the run turns round', async () => {
    const { machine, world } = bench(({ step, parallel }) => {
      parallel('Both', () => {
        step(
          'Fails',
          look(async () => fail('at once')),
        )
        step(
          'Slow',
          put('/a', 'new', {
            run: async (io, { input }) => (
              await io.clock.sleep(10_000, io.signal),
              await io.files.write('/a', 'new'),
              input
            ),
          }),
        )
      })
      step('Never', put('/b', 'new'))
    })
    expect(await machine.run()).toMatchObject({ outcome: 'rolled-back', failure: { message: 'at once' } })
    const lines = told(machine)
    expect(lines.indexOf('ended slow done')).toBeLessThan(lines.indexOf('turned'))
    expect(lines).toContain('undo-ended slow undone')
    expect(lines.some((one) => one.includes('never'))).toBe(false)
    expect(textOf(world, '/a')).toBe('old')
  })

  it('is in doubt where one member is, and its siblings have ended first', async () => {
    const { machine, world } = bench(({ step, parallel }) =>
      parallel('Both', () => {
        step('Hangs', put('/a', 'new', { run: async () => new Promise(() => undefined) }), {
          timeoutSeconds: 5,
        })
        step(
          'Slow',
          put('/b', 'new', {
            run: async (io, { input }) => (
              await io.clock.sleep(60_000, io.signal),
              await io.files.write('/b', 'new'),
              input
            ),
          }),
        )
      }),
    )
    expect(await machine.run()).toMatchObject({ code: 'in-doubt', doubt: 'Hangs' })
    expect(told(machine)).toContain('ended slow done')
    expect(await machine.rollback()).toMatchObject({ code: 'succeeded', outcome: 'rolled-back' })
    expect([textOf(world, '/a'), textOf(world, '/b')]).toEqual(['old', 'old'])
  })
})

it('a decision is asked of a person, and cannot act otherwise', async () => {
  const ask = defineStep<Record<string, never>, string>({
    kind: 'bench.ask',
    version: 1,
    effect: 'decide',
    describe: () => 'Asks.',
    run: async (at) =>
      (at as unknown as { files: { write?: unknown } }).files.write === undefined
        ? (await at.people.ask({ text: 'Go on?', phrase: null, showing: {}, acceptsEnvironment: false })).text
        : fail('it has hands'),
  })
  const { machine, world } = bench(({ step }) => void step('Ask', ask({})))
  world.person = { ...world.person, atTerminal: true, types: ['yes please'] }
  expect(await machine.run()).toMatchObject({ code: 'succeeded' })
  expect(ended(machine, 'ask')?.output).toBe('yes please')
})
