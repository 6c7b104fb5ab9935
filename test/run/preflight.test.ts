import { describe, expect, it } from 'vitest'
import { param } from '../../src/model/param.ts'
import { older } from '../../src/run/engine/requirements.ts'
import { Killed } from '../../src/testing/index.ts'
import { startRun } from '../../src/run/start.ts'
import { bench, fail, look, put, putSeen, textOf, told } from './bench.ts'
import { Machine, runbook, toySteps } from './toy.ts'

const refusing = (problem: string) =>
  put('/a', 'new', { preflight: async () => [{ level: 'refuse', about: 'it', problem, hint: 'mend it' }] })

describe('preflight', () => {
  it('gives all findings at once, touches nothing, and settles and seals the refusal', async () => {
    const { machine, world } = bench(({ step, lastly }) => {
      step('One', refusing('one is wrong'))
      step('Two', put('/b', 'new', { preflight: async () => fail('two cannot be asked') }))
      step(
        'Three',
        put('/c', 'new', {
          preflight: async () => [{ level: 'warn', about: 'c', problem: 'three is odd', hint: 'look' }],
          needs: () => [{ program: 'pigz', why: 'to unpack' }],
        }),
      )
      lastly('Tell', put('/told', 'yes'))
    })
    const before = world.state()
    const result = await machine.run()
    expect(result).toMatchObject({ code: 'preflight', outcome: 'refused', failure: { code: 'preflight' } })
    expect(result.findings.map(({ level, problem }) => `${level}: ${problem}`)).toEqual([
      'refuse: pigz is not installed; to unpack',
      'refuse: one is wrong',
      'refuse: two cannot be asked',
      'warn: three is odd',
    ])
    expect(told(machine)).toEqual(['opened', 'preflighted', 'settled refused', 'sealed'])
    expect(world.state()).toEqual(before)
    await expect(machine.resume()).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('settled as refused') as string,
    })
    expect(await machine.run()).toMatchObject({ code: 'preflight' })
  })

  it.each(['opened', 'preflighted'])(
    'refuses a resume too where the run was killed after %s',
    async (entry) => {
      const { machine, world } = bench(({ step }) => void step('One', refusing('one is wrong')))
      const before = world.state()
      world.faults.order(`journal.append ${entry} done`, 'kill')
      await expect(machine.run()).rejects.toThrow(Killed)
      expect(await machine.resume()).toMatchObject({
        code: 'preflight',
        outcome: 'refused',
        failure: { message: expect.stringContaining('one is wrong') as string },
        findings: [{ problem: 'one is wrong' }],
      })
      expect(told(machine).slice(-3)).toEqual(['preflighted', 'settled refused', 'sealed'])
      expect(world.state()).toEqual(before)
    },
  )

  it('opens drivers and a log only for a step that has something to ask', async () => {
    const made = new Machine()
    const { set } = toySteps(
      () => made.world,
      () => made.power,
    )
    const book = runbook(
      'toy',
      { title: 'Toy', when: 'Never.', needs: [], params: {} },
      ({ step }) => void step('Set', set({ flag: 'flag', to: 'new' })),
    )
    const runtime = made.around()
    const opened: string[] = []
    const drivers: typeof runtime.drivers = (scope) => (opened.push(scope.step), runtime.drivers(scope))
    await startRun({ ...runtime, drivers }, made.order(book))
    expect(opened).toEqual(['set'])
  })

  it('is not repeated where the run was killed after a step had begun', async () => {
    const { machine, world } = bench(({ step }) => void step('One', put('/a', 'new')))
    world.faults.order('journal.append intent done', 'kill')
    await expect(machine.run()).rejects.toThrow(Killed)
    expect(await machine.resume()).toMatchObject({ outcome: 'succeeded' })
    expect(told(machine).filter((line) => line === 'preflighted')).toHaveLength(1)
  })

  it('lets a run begin over warnings, and keeps them', async () => {
    const { machine } = bench(
      ({ step }) =>
        void step(
          'One',
          put('/a', 'new', {
            preflight: async () => [{ level: 'warn', about: 'it', problem: 'odd', hint: 'look' }],
          }),
        ),
    )
    expect(await machine.run()).toMatchObject({ code: 'succeeded', findings: [{ problem: 'odd' }] })
    expect(machine.entries[1]?.entry).toMatchObject({ type: 'preflighted', warnings: 1, refusals: 0 })
  })

  it('gives up on a look that hangs, and still has the findings of the others', async () => {
    const { machine, world } = bench(({ step }) => {
      step('Hangs', put('/a', 'new', { preflight: async () => new Promise(() => undefined) }))
      step(
        'Finds',
        put('/b', 'new', {
          preflight: async () => [{ level: 'refuse', about: 'it', problem: 'wrong', hint: 'mend it' }],
        }),
      )
    })
    const began = world.clock.monotonic()
    const { findings } = await machine.run()
    expect(findings.map(({ problem }) => problem)).toEqual([
      expect.stringContaining('"Hangs" timed out after 60 s'),
      'wrong',
    ])
    expect(world.clock.monotonic() - began).toBeLessThan(70_000)
  })

  it('asks at most four at a time', async () => {
    let now = 0
    let most = 0
    const { machine } = bench(({ step }) => {
      for (let one = 0; one < 12; one += 1) {
        step(
          `Step ${one}`,
          put(`/s${one}`, 'new', {
            preflight: async (at) => {
              now += 1
              most = Math.max(most, now)
              await at.clock.sleep(1_000)
              now -= 1
              return []
            },
          }),
        )
      }
    })
    expect(await machine.run()).toMatchObject({ code: 'succeeded' })
    expect(most).toBe(4)
  })

  it('gives no hands to look with, and none to what comes back late', async () => {
    let late: unknown
    let woken: Promise<unknown> = Promise.resolve()
    const { machine } = bench(
      ({ step }) =>
        void step(
          'One',
          put('/a', 'new', {
            preflight: async (at) => {
              const files = (
                at as unknown as { files: { write?: unknown; stat: (path: string) => Promise<unknown> } }
              ).files
              late = files.write
              woken = at.clock.sleep(300_000).then(() => files.stat('/a'))
              woken.catch(() => undefined)
              return []
            },
          }),
        ),
    )
    await machine.run()
    expect(late).toBeUndefined()
    await expect(woken).rejects.toThrow('has ended')
  })

  it.each([
    ['1.9', ['tar is 1.9, but 1.10 or newer is required']],
    ['1.10', []],
    ['1.10.3', []],
    ['2', []],
    ['1.9 (Debian)', ['tar is 1.9 (Debian), but 1.10 or newer is required']],
    [null, ['tar is not installed']],
  ])('compares the version %s with what is needed', async (version, problems) => {
    const { machine, world } = bench(
      ({ step }) =>
        void step(
          'One',
          put('/a', 'new', { needs: () => [{ program: 'tar', atLeast: '1.10', why: 'to unpack' }] }),
        ),
    )
    if (version !== null) world.programs.installed.set('tar', { version })
    const { findings } = await machine.run()
    expect(findings).toHaveLength(Math.min(1, problems.length))
    for (const problem of problems) expect(findings[0]?.problem).toContain(problem)
  })

  it('refuses a run that needs an npm package which is not installed, with what to type', async () => {
    const { machine, world } = bench(
      ({ step }) =>
        void step(
          'One',
          put('/a', 'new', { needs: () => [{ package: 'age-encryption', why: 'it encrypts' }] }),
        ),
    )
    world.programs.packages.delete('age-encryption')
    expect((await machine.run()).findings).toEqual([
      {
        level: 'refuse',
        about: 'age-encryption',
        problem: 'the npm package age-encryption is not installed; it encrypts',
        hint: 'install it: npm install --save-dev age-encryption',
      },
    ])
    world.programs.packages.add('age-encryption')
    expect((await machine.run()).findings).toEqual([])
  })

  it('compares versions number by number', () => {
    expect([
      older('9', '10'),
      older('10', '9'),
      older('1.2', '1.2.0'),
      older('1.2', '1.2.1'),
      older('v24.1', '24'),
    ]).toEqual([true, false, false, true, false])
  })

  it('looks for secrets in what a step will be given, by the parameters too', async () => {
    const params = { key: param.secret('Key', { name: 'key', env: 'KEY' }) }
    const { machine, world } = bench(
      ({ params: given, step }) =>
        void step(
          'One',
          look(
            async () => null,
            {},
            { nested: [{ key: given['key'] as never }], other: { secret: 'pass', from: { file: '/pass' } } },
          ),
        ),
      { params },
    )
    expect((await machine.run()).findings.map(({ problem }) => problem)).toEqual([
      'secret key is not available: variable KEY is missing or shorter than 8 bytes',
      'secret pass is not available: file /pass is missing or shorter than 8 bytes',
    ])
    world.environment.set('KEY', 'long enough').set('OTHER', 'long enough')
    world.disk.files.set('/pass', Buffer.from('long enough too'))
    expect(await machine.run()).toMatchObject({ code: 'succeeded' })
    expect(await machine.run({ key: { secret: 'key', from: { env: 'MISSING' } } })).toMatchObject({
      code: 'preflight',
    })
  })

  it('gives one reason and one cure for a short secret, also where the step reads it, and no other failure is lost', async () => {
    const key = { secret: 'key', from: { env: 'KEY' } }
    const failing = (why: string) => look(async () => null, { preflight: async () => fail(why) }, { key })
    const { machine, world } = bench(({ step }) => {
      step('One', failing('secret key is too short to be masked in output: fewer than 8 bytes'))
      step('Two', failing('the server is down'))
    })
    world.environment.set('KEY', 'short')
    expect((await machine.run()).findings.map(({ problem }) => problem)).toEqual([
      'secret key is not available: variable KEY is missing or shorter than 8 bytes',
      'the server is down',
    ])
  })

  it('does not ask a branch that is not taken, and asks one of which it cannot be told', async () => {
    const { machine } = bench(
      ({ params, step, when }) => {
        const seen = step(
          'Look',
          look(async () => ({ fine: true })),
        )
        when(
          params['way'] as never,
          { one: () => step('One', refusing('of the first')), other: () => undefined } as never,
        )
        when((seen as unknown as { fine: never }).fine, {
          true: () => undefined,
          false: () => step('Two', refusing('of the unknown')),
        } as never)
      },
      { params: { way: param.choice('Way', ['one', 'other']) } },
    )
    expect((await machine.run({ way: 'other' })).findings.map(({ problem }) => problem)).toEqual([
      'of the unknown',
    ])
  })

  it('refuses a run without a parameter that somebody needs', async () => {
    const { machine, world } = bench(
      ({ params, step, when }) => {
        step('One', put('/a', params['text'] as never))
        when(params['way'] as never, { one: () => step('Two', put('/b', 'new')) } as never)
      },
      {
        params: {
          text: param.text('Text'),
          way: param.choice('Way', ['one']),
          goodOnly: param.text('Not used'),
        },
      },
    )
    expect((await machine.run()).findings.map(({ problem }) => problem)).toEqual([
      'bench requires --text, which is not given',
      'bench requires --way, which is not given',
    ])
    expect(textOf(world, '/a')).toBe('old')
  })

  it('refuses findings that are no findings', async () => {
    const { machine } = bench(
      ({ step }) =>
        void step(
          'One',
          put('/a', 'new', {
            preflight: async () => [{ level: 'warn', about: 'it', problem: undefined, hint: 'x' }] as never,
          }),
        ),
    )
    expect((await machine.run()).findings[0]?.problem).toContain('what "One" found is not JSON')
  })

  it('tells the step what is not known yet', async () => {
    const inputs: unknown[] = []
    const { machine } = bench((script) =>
      putSeen(script, {
        preflight: async (_, input) => (inputs.push(input), []),
      }),
    )
    expect(await machine.run()).toMatchObject({ code: 'succeeded' })
    expect(inputs).toEqual([{ path: '/a', text: { $until: 'after "Look first"' } }])
  })
})
