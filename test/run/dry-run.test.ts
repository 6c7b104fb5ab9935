import { describe, expect, it } from 'vitest'
import type { Entry } from '../../src/run/journal/entry.ts'
import { param } from '../../src/model/param.ts'
import { pending } from '../../src/model/pending.ts'
import { bench, fail, look, put, putting, told, type Bench } from './bench.ts'

const foretold = ({ machine }: Bench, step: string) =>
  machine.entries.flatMap(({ entry }) =>
    entry.type === 'foretold' && entry.step === step ? [entry as Extract<Entry, { type: 'foretold' }>] : [],
  )[0]
const part = <T = never>(output: unknown, name: string): T =>
  (output as { readonly [key: string]: T })[name] as T

describe('a dry run', () => {
  it('looks for real, foretells what would change, and changes nothing', async () => {
    const one = bench(({ step }) => {
      const seen = step(
        'Look',
        look(async (at) => ({ text: new TextDecoder().decode(await at.files.read('/a', 100)) })),
      )
      step('Write', put('/b', part(seen, 'text')))
    })
    const before = one.world.state()
    expect(await one.machine.dryRun()).toMatchObject({ code: 'succeeded', outcome: 'foretold', findings: [] })
    expect(one.world.state()).toEqual(before)
    expect(foretold(one, 'look')).toMatchObject({
      looked: true,
      prediction: { output: { text: 'old' } },
      unknown: null,
    })
    expect(foretold(one, 'write')).toMatchObject({
      looked: true,
      before: { was: 'old' },
      prediction: { output: { path: '/b', text: 'old' } },
    })
    expect(told(one.machine)).toEqual([
      'opened',
      'foretold look',
      'foretold write',
      'preflighted',
      'settled foretold',
      'sealed',
    ])
  })

  it('never calls what acts, and gives nobody hands', async () => {
    const called: string[] = []
    const hands = (at: unknown): void => {
      if ((at as { files: { write?: unknown } }).files.write !== undefined) called.push('hands')
    }
    const one = bench(({ step }) => {
      step(
        'Write',
        put('/a', 'new', {
          run: async () => (called.push('run'), fail('no')),
          undo: async () => void called.push('undo'),
          survey: async (at, input) => (hands(at), putting.survey(at, input)),
        }),
      )
      step(
        'Look',
        look(async (at) => (hands(at), null)),
      )
    })
    expect(await one.machine.dryRun()).toMatchObject({ code: 'succeeded' })
    expect(called).toEqual([])
  })

  it('holds nothing, so that it goes beside a run and beside an open one', async () => {
    const one: Bench = bench(({ step }) => {
      step(
        'First',
        look(async () => (one.machine.stop.ask('SIGINT'), null)),
      )
      step(
        'Second',
        look(async () => null),
      )
    })
    expect(await one.machine.run()).toMatchObject({ outcome: 'open' })
    const next = bench(
      ({ step }) =>
        void step(
          'First',
          look(async () => null),
        ),
      { world: one.world },
    )
    expect(await next.machine.dryRun()).toMatchObject({ code: 'succeeded' })
    expect([...next.machine.journal.systems.keys()].every((system) => system.startsWith('dry-'))).toBe(true)
  })

  it('is refused where a look fails that the real run would make too', async () => {
    const one = bench(({ step }) => {
      const seen = step(
        'Look',
        look(async () => fail('the dump is damaged', 'verification')),
      )
      step('Write', put('/a', part(seen, 'text')))
    })
    expect(await one.machine.dryRun()).toMatchObject({
      code: 'verification',
      outcome: 'foretold',
      failure: { message: 'the dump is damaged' },
      findings: [{ level: 'refuse', about: 'Look', problem: 'the dump is damaged' }],
    })
    expect(foretold(one, 'write')).toMatchObject({
      looked: false,
      unknown: null,
      prediction: { output: { text: { $until: 'after "Look"' } } },
    })
  })

  it('only warns of a look that comes after a change: the real run will see another world', async () => {
    const one = bench(({ step }) => {
      step('Write', put('/a', 'new'))
      step(
        'Look',
        look(async (at) =>
          (await at.files.read('/a', 9)).length === 3 &&
          new TextDecoder().decode(await at.files.read('/a', 9)) === 'new'
            ? null
            : fail('it is not new'),
        ),
      )
    })
    expect(await one.machine.dryRun()).toMatchObject({
      code: 'succeeded',
      failure: null,
      findings: [{ level: 'warn', about: 'Look', problem: 'in the current state: it is not new' }],
    })
    expect(await one.machine.run()).toMatchObject({ code: 'succeeded' })
  })

  it('does not look at what was only foretold, nor believe what it saw before a change', async () => {
    let looks = 0
    const one = bench(({ step }) => {
      const written = step('Write', put('/a', 'new'))
      step(
        'Of the foretold',
        look(async () => (looks += 1), {}, { text: written.text }),
      )
      const seen = step(
        'Seen too early',
        look(async () => ({ text: 'early' })),
      )
      step(
        'Of the early',
        look(async () => (looks += 1), {}, { text: part(seen, 'text') }),
      )
    })
    expect(await one.machine.dryRun()).toMatchObject({ code: 'succeeded' })
    expect(looks).toBe(0)
    expect(foretold(one, 'of-the-foretold')).toMatchObject({
      looked: false,
      prediction: null,
      unknown: 'not known yet: depends on "Write"',
    })
    expect(foretold(one, 'seen-too-early')).toMatchObject({
      looked: true,
      unknown: 'read in the current state, before the steps above',
    })
  })

  it('says what it cannot know, all the way down', async () => {
    const one = bench(({ step }) => {
      const first = step('First', put('/a', 'new', { predict: () => ({ output: null }) }))
      const second = step('Second', put('/b', first.text))
      step('Third', put('/c', second.text))
    })
    expect(await one.machine.dryRun()).toMatchObject({ code: 'succeeded' })
    expect(foretold(one, 'second')).toMatchObject({
      looked: false,
      prediction: { output: { text: { $until: 'after "First"' } } },
    })
    expect(foretold(one, 'third')).toMatchObject({
      prediction: { output: { text: { $until: 'after "Second"' } } },
    })
  })

  it('names the steps that a prediction depends on, and shows no mistake of a step', async () => {
    const nothing = { predict: () => ({ output: null }) }
    const one = bench(({ step }) => {
      const first = step('First', put('/a', 'new', nothing))
      step(
        'Second',
        put('/b', first as never, {
          predict: ({ input }) => ({
            output: null,
            changes: [part<string>(input.text, 'text').toUpperCase()],
          }),
        }),
      )
      step('Third', put('/c', first as never, nothing))
      step('Fourth', put('/d', 'new', nothing))
    })
    expect(await one.machine.dryRun()).toMatchObject({ code: 'succeeded' })
    expect(['second', 'third', 'fourth'].map((id) => foretold(one, id)?.unknown)).toEqual([
      'not known yet: depends on "First"',
      'not known yet: depends on "First"',
      null,
    ])
  })

  it('does not take a value with an unknown part for known', async () => {
    let surveyed = 0
    const partly = { path: '/a', text: pending('after the run') } as never
    const one = bench(({ step }) => {
      const first = step('First', put('/a', 'new', { predict: () => ({ output: partly }) }))
      step('Second', put('/b', first as never, { survey: async () => ((surveyed += 1), { was: null }) }))
    })
    expect(await one.machine.dryRun()).toMatchObject({ code: 'succeeded' })
    expect(surveyed).toBe(0)
    expect(foretold(one, 'second')).toMatchObject({
      looked: false,
      prediction: { output: { text: { $until: 'after "First"' } } },
    })
  })

  it('shows both sides of a branch that only the run can choose, and one side of any other', async () => {
    const one = bench(
      ({ params, step, when }) => {
        const written = step('Write', put('/a', 'new', { predict: () => ({ output: null }) }))
        when(
          written.text as never,
          { new: () => step('New', put('/b', 'new')), old: () => step('Old', put('/c', 'new')) } as never,
        )
        when(
          params['way'] as never,
          {
            one: () => step('One', put('/d', 'new')),
            other: () => step('Other', put('/d', 'other')),
          } as never,
        )
      },
      { params: { way: param.choice('Way', ['one', 'other']) } },
    )
    await one.machine.dryRun({ way: 'one' })
    expect(told(one.machine).filter((line) => /^(foretold|skipped)/.test(line))).toEqual([
      'foretold write',
      'foretold new',
      'foretold old',
      'foretold one',
      'skipped other',
    ])
  })

  it('survives steps that hang, cannot foretell, or foretell nonsense', async () => {
    const one = bench(({ step }) => {
      step('Nonsense', put('/a', 'new', { predict: () => ({ output: new Date() as never }) }))
      step('Cannot', put('/b', 'new', { predict: () => fail('no idea') }))
      step(
        'Hangs',
        look(async () => new Promise(() => undefined)),
        { timeoutSeconds: 5 },
      )
    })
    expect(await one.machine.dryRun()).toMatchObject({
      code: 'succeeded',
      findings: [
        { level: 'warn', problem: expect.stringContaining('"Hangs" timed out after 5 s') as string },
      ],
    })
    expect(foretold(one, 'nonsense')?.unknown).toContain('the prediction of the step bench.put is not JSON')
    expect(foretold(one, 'cannot')?.unknown).toBe('cannot be predicted: no idea')
  })

  it('asks preflight with what it has seen, and never with what it foretold', async () => {
    const inputs: unknown[] = []
    const one = bench(({ step }) => {
      const seen = step(
        'Look',
        look(async () => ({ text: 'new' })),
      )
      const written = step(
        'Write',
        put('/a', part(seen, 'text'), { preflight: async (_, { text }) => (inputs.push(text), []) }),
      )
      step('Again', put('/b', written.text, { preflight: async (_, { text }) => (inputs.push(text), []) }))
    })
    await one.machine.dryRun()
    expect(inputs).toEqual(['new', { $until: 'after "Write"' }])
  })

  it('cannot be resumed', async () => {
    const one = bench(
      ({ step }) =>
        void step(
          'Look',
          look(async () => null),
        ),
    )
    await one.machine.dryRun()
    await expect(one.machine.resume()).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('it is a dry run') as string,
    })
  })

  it('whose evidence cannot be sealed is not called a success', async () => {
    const one = bench(
      ({ step }) =>
        void step(
          'Look',
          look(async () => null),
        ),
    )
    one.machine.evidence.faults.seal = true
    expect(await one.machine.dryRun()).toMatchObject({
      code: 'in-doubt',
      outcome: 'foretold',
      failure: { hint: 'free some space, and start the dry run again' },
    })
  })
})
