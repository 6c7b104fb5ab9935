import { describe, expect, it } from 'vitest'
import { RunbookError } from '../../src/kernel/errors.ts'
import { planOf } from '../../src/model/plan.ts'
import { bench, bookOf, ended, put, putSeen, target, textOf, type Loose } from './bench.ts'

const plan = (record: (script: Loose) => void) => planOf(bookOf(record), target, {})

/** As JavaScript does, without the compiler. */
const returning = (value: unknown) => () => value as never

describe('what a step returns for the plan', () => {
  it.each([
    [
      'needs',
      ['queuectl'],
      `programs such as { program: 'tar', atLeast: '1.2', why: '…' }, not ["queuectl"]`,
    ],
    ['needs', 'queuectl', 'programs such as'],
    ['needs', [{ program: 'tar' }], 'programs such as'],
    ['needs', [{ program: '', why: 'it packs' }], 'programs such as'],
    ['needs', [{ program: 'tar', atLeast: 'latest', why: 'it packs' }], 'programs such as'],
    ['needs', [{ package: 'left-pad', why: 'it pads' }], 'programs such as'],
    ['needs', [{ package: 'age-encryption' }], 'programs such as'],
    ['needs', [{ package: 'age-encryption', program: 'age', why: 'it encrypts' }], 'programs such as'],
    ['secrets', ['TOKEN'], 'handles from param.secret(…) or secret(…), not ["TOKEN"]'],
    ['describe', undefined, 'a sentence, not undefined'],
  ])('%s that returns %j is refused before anything is opened', async (method, value, expected) => {
    const wrong = put('/a', 'new', { [method]: returning(value) })
    let thrown: unknown
    try {
      plan(({ step }) => void step('One', wrong))
    } catch (caught) {
      thrown = caught
    }
    expect(thrown).toBeInstanceOf(RunbookError)
    expect(thrown).toMatchObject({
      code: 'usage',
      message: 'cannot plan "One"',
      hint: `fix ${method} of the step bench.put`,
      cause: expect.objectContaining({
        message: expect.stringContaining(`the step bench.put: ${method} must return ${expected}`) as string,
      }) as Error,
    })
  })

  it('is checked again in a dry run, which knows more values', async () => {
    const { machine } = bench((script) =>
      putSeen(script, {
        needs: ({ text }) => (typeof text === 'string' ? (['queuectl'] as never) : []),
      }),
    )
    expect((await machine.dryRun()).findings).toMatchObject([
      { level: 'refuse', about: 'One', problem: expect.stringContaining('needs must return') as string },
    ])
  })
})

describe('what a step returns during a run', () => {
  it.each([
    ['a text', 'bad'],
    ['a finding without a level', [{ about: 'it', problem: 'wrong', hint: 'fix it' }]],
    ['a finding without a hint', [{ level: 'refuse', about: 'it', problem: 'wrong' }]],
  ])('preflight that returns %s refuses the run', async (_, value) => {
    const { machine } = bench(
      ({ step }) => void step('One', put('/a', 'new', { preflight: async () => value as never })),
    )
    expect(await machine.run()).toMatchObject({
      code: 'preflight',
      findings: [
        {
          level: 'refuse',
          about: 'One',
          problem: expect.stringContaining(
            "the step bench.put: preflight must return findings such as { level: 'refuse'",
          ) as string,
        },
      ],
    })
  })

  it.each([
    ['nothing', undefined],
    ['a promise', Promise.resolve({ output: null })],
    ['a text as changes', { output: null, changes: 'all' }],
    ['a text as seconds', { output: null, seconds: 'ten' }],
  ])('predict that returns %s costs the prediction only', async (_, value) => {
    const { machine } = bench(({ step }) => void step('One', put('/a', 'new', { predict: returning(value) })))
    expect(await machine.run()).toMatchObject({ code: 'succeeded' })
  })

  it('a dry run says what is wrong with a prediction', async () => {
    const { machine } = bench(
      ({ step }) => void step('One', put('/a', 'new', { predict: returning({ changes: 'all' }) })),
    )
    await machine.dryRun()
    const entry = machine.entries.map((stored) => stored.entry).find(({ type }) => type === 'foretold')
    expect(entry).toMatchObject({
      unknown: expect.stringContaining('the step bench.put: predict must return a prediction') as string,
    })
  })

  it.each([
    ['nothing', undefined],
    ['true', true],
    ['an unknown word', { is: 'present' }],
    ['no output', { is: 'done' }],
    ['no reason', { is: 'unknown' }],
  ])('probe that returns %s fails the step before its effect', async (_, value) => {
    const { machine, world } = bench(
      ({ step }) => void step('One', put('/a', 'new', { probe: async () => value as never })),
    )
    expect(await machine.run()).toMatchObject({ code: 'failed' })
    expect(ended(machine, 'one')?.failure?.message).toContain('the step bench.put: probe must return')
    expect(textOf(world, '/a')).toBe('old')
  })
})
