import { describe, expect, it } from 'vitest'
import { canonical, type JsonObject } from '../../src/kernel/json.ts'
import { param } from '../../src/model/param.ts'
import type { Leftover } from '../../src/drivers/leftover.ts'
import { planOf, planToLookAhead, type Plan } from '../../src/model/plan.ts'
import { runbook } from '../../src/model/runbook.ts'
import { defineStep, type Step } from '../../src/model/step.ts'
import type { Target } from '../../src/model/target.ts'
import { doesTheSame } from '../../src/model/work.ts'
import { olderPlan } from '../fixtures/older-journal.ts'
import { book, change, forGood, look, target } from './bare.ts'

const params = { where: param.text('Where'), often: param.integer('How often') }
const script = book(({ params: { where, often }, step, pointOfNoReturn, lastly }) => {
  const seen = step('Look', look({ where: where as never, often: often as never }))
  step('Change', change({ name: seen.name }), { timeoutSeconds: 7, retry: { times: 2, delaySeconds: 3 } })
  pointOfNoReturn('Done.')
  step('Destroy', forGood({}))
  lastly('Tell', forGood({ often: often as never }))
}, params)
const digest = (one = script, at: Target = target, given: JsonObject = { where: 'here', often: 2 }): string =>
  planOf(one, at, given).plan.digest

describe('a plan', () => {
  it('to look ahead says the same of the work, and can be taken for no run', () => {
    const params = { where: 'here', often: 2 }
    const { plan } = planOf(script, target, params)
    const ahead = planToLookAhead(script, target, params)
    const withoutCode = plan.steps.map(({ code: _code, ...step }) => step)
    expect(ahead.plan.steps).toEqual(withoutCode)
    expect(ahead.plan.digest).not.toBe(plan.digest)
    expect(ahead.plan.workDigest).not.toBe(plan.workDigest)
    expect(ahead.plan.source).not.toBe(plan.source)
  })

  it('is plain JSON that says how each step may be undone and how long it may take', () => {
    const { plan, steps } = planOf(script, target, { where: 'here', often: 2 })
    expect(JSON.parse(canonical(plan))).toEqual(plan)
    expect(
      plan.steps.map(({ id, reversal, timeoutSeconds, retry }) => ({ id, reversal, timeoutSeconds, retry })),
    ).toEqual([
      { id: 'look', reversal: 'not needed', timeoutSeconds: 3600, retry: { times: 0, delaySeconds: 0 } },
      { id: 'change', reversal: 'undo', timeoutSeconds: 7, retry: { times: 2, delaySeconds: 3 } },
      {
        id: 'destroy',
        reversal: { irreversible: 'it is gone then' },
        timeoutSeconds: 3600,
        retry: { times: 0, delaySeconds: 0 },
      },
      {
        id: 'tell',
        reversal: { irreversible: 'it is gone then' },
        timeoutSeconds: 3600,
        retry: { times: 0, delaySeconds: 0 },
      },
    ])
    expect([...steps.keys()]).toEqual(plan.steps.map(({ id }) => id))
  })

  it('has one digest, whatever the order of keys', () => {
    expect(digest(script, target, { often: 2, where: 'here' })).toBe(digest())
    expect(digest(script, Object.fromEntries(Object.entries(target).reverse()) as unknown as Target)).toBe(
      digest(),
    )
  })

  it.each<[string, () => string]>([
    ['a parameter', () => digest(script, target, { where: 'there', often: 2 })],
    ['a parameter left out', () => digest(script, target, { where: 'here' })],
    ['the target', () => digest(script, { ...target, title: 'Other' })],
    ['a title of the runbook', () => digest({ ...script, about: { ...script.about, title: 'Other' } })],
    [
      'a step',
      () =>
        digest(
          book(
            ({ params: { where, often }, step }) =>
              step('Look', look({ where: where as never, often: often as never })),
            params,
          ),
        ),
    ],
  ])('has another one with another: %s', (_, other) => expect(other()).not.toBe(digest()))

  it('has another one when the source or the version of a step is another', () => {
    const base: Step<JsonObject, null> = {
      kind: 'bare.one',
      version: 1,
      effect: 'observe',
      describe: () => 'One.',
      run: async () => null,
    }
    const of = (step: Step<JsonObject, null>): string =>
      digest(book(({ step: add }) => add('One', defineStep(step)({}))))
    expect(of({ ...base })).toBe(of(base))
    expect(of({ ...base, version: 2 })).not.toBe(of(base))
    expect(
      of({
        ...base,
        run: async () => {
          throw new Error('changed')
        },
      }),
    ).not.toBe(of(base))
    expect(of({ ...base, timeoutSeconds: 5 })).not.toBe(of(base))
  })

  describe('does the same as another', () => {
    const words = {
      title: 'A step',
      group: 'Both',
      why: 'It is new.',
      says: 'One.',
      irreversible: 'it is gone',
    }
    const run = async (): Promise<null> => null
    const one = (): string => 'One.'
    const other = (): string => 'Other.'
    const made = (
      text: Partial<typeof words> = {},
      more: { seconds?: number; leaves?: readonly Leftover[]; run?: () => Promise<null>; alone?: true } = {},
    ): Plan => {
      const { title, group, why, says, irreversible } = { ...words, ...text }
      const describe = says === 'One.' ? one : other
      const observing = { version: 1, effect: 'observe', describe, run } as const
      const step = defineStep<JsonObject, null>({
        ...observing,
        kind: 'bare.one',
        ...(more.leaves === undefined ? {} : { leaves: more.leaves }),
        ...(more.run === undefined ? {} : { run: more.run }),
      })
      const gone = defineStep<JsonObject, null>({
        ...observing,
        kind: 'bare.gone',
        effect: 'destroy',
        irreversible,
        survey: async () => null,
        probe: async () => ({ is: 'absent' }),
      })
      const both = book(({ step: add, parallel, pointOfNoReturn }) => {
        const first = () => add(title, step({}), { id: 'one' })
        const second = () => add('Two', step({}), { timeoutSeconds: more.seconds ?? 5 })
        if (more.alone === true) {
          first()
          parallel(group, second)
        } else parallel(group, () => [first(), second()])
        pointOfNoReturn(why)
        add('Gone', gone({}))
      })
      return planOf({ ...both, about: { ...both.about, title, when: why } }, target, {}).plan
    }

    it.each<[string, Partial<typeof words>]>([
      ['a title of a step, and of the runbook', { title: 'Another title' }],
      ['a title of a group', { group: 'The two' }],
      ['the reason for the point of no return', { why: 'So it is.' }],
      ['the sentence of a step', { says: 'Other.' }],
      ['the reason why it cannot be undone', { irreversible: 'nobody has it any more' }],
    ])('where only words are others: %s', (_, text) => {
      expect(made(text).digest).not.toBe(made().digest)
      expect(doesTheSame(made(), made(text))).toBe(true)
    })

    it.each<[string, Plan]>([
      ['a time-out', made({}, { seconds: 6 })],
      ['what a step leaves', made({}, { leaves: [] })],
      ['the code of a step', made({}, { run: () => Promise.resolve(null) })],
      ['which steps run at the same time', made({}, { alone: true })],
    ])('but not with another: %s', (_, changed) => {
      expect(doesTheSame(made(), changed)).toBe(false)
    })

    it('where its journal is older than digests of work, unless a step or its sentence is another', () => {
      const older = olderPlan(made())
      expect(doesTheSame(older, made())).toBe(true)
      expect(doesTheSame(older, made({ title: 'Another title', group: 'The two', why: 'So it is.' }))).toBe(
        true,
      )
      expect(doesTheSame(older, made({}, { leaves: [] }))).toBe(true)
      expect(doesTheSame(older, made({ says: 'Other.' }))).toBe(false)
      expect(doesTheSame(older, made({}, { seconds: 6 }))).toBe(false)
      expect(doesTheSame(older, made({}, { run: () => Promise.resolve(null) }))).toBe(false)
    })
  })

  it('has the same one when only white space, comments, quotes or brackets of a step change', () => {
    const written = (source: string): string => {
      // oxlint-disable-next-line no-new-func
      const parts = new Function(`return {${source}}`)() as Pick<Step<JsonObject, null>, 'describe' | 'run'>
      const step = { kind: 'bare.one', version: 1, effect: 'observe', ...parts } as Step<JsonObject, null>
      return digest(book(({ step: add }) => add('One', defineStep(step)({}))))
    }
    const source = `describe: (input) => 'One.', async run(look, { a }) { const b = { 'c': a, d: [1, 2] }; return /x[/]*y/.test("*/") ? b : \`t \${a}\` }`
    const reformatted = `
      // a comment
      describe: input => ("One."),
      async run(look, { a }) {
        /* another */
        const b = { c: a, "d": [ 1, 2, ], };;
        return (/x[/]*y/).test('*/')
          ? b
          : \`t \${ a }\`;
      }`
    expect(written(reformatted)).toBe(written(source))
    expect(written(source.replace("'c'", "'e'"))).not.toBe(written(source))
    expect(written(source.replace('"*/"', '"* /"'))).not.toBe(written(source))
    expect(written(source.replace('`t ', '`t  '))).not.toBe(written(source))
    expect(written(source.replace('[/]*y', '[/]+y'))).not.toBe(written(source))
  })

  it('has another one when a function inside a part of a step is another', () => {
    const of = (from: string): string => {
      const step: Step<JsonObject, string> = {
        kind: 'bare.one',
        version: 1,
        effect: 'observe',
        describe: () => 'One.',
        run: async () => from,
        marks: { dataAsOf: from === 'output' ? (output) => output : () => from },
      }
      return digest(book(({ step: add }) => add('One', defineStep(step)({}))))
    }
    expect(of('output')).not.toBe(of('now'))
    expect(of('output')).toBe(of('output'))
  })

  it('can be shown without its parameters, and says what it waits for', () => {
    const telling = defineStep<{ readonly name: string; readonly where: string }, null>({
      kind: 'bare.tell',
      version: 1,
      effect: 'observe',
      describe: ({ name, where }) => `${JSON.stringify(name)} ${JSON.stringify(where)}`,
      run: async () => null,
    })
    const one = book(({ params: given, step }) => {
      const seen = step('Look here', look({}))
      step('Tell', telling({ name: seen.name, where: given['where'] as never }))
    }, params)
    expect(planOf(one, target, {}).plan.steps[1]?.says).toBe(
      '{"$until":"after \\"Look here\\""} {"$until":"--where"}',
    )
    expect(planOf(one, target, { where: 'x' }).plan.steps[1]?.says).toBe(
      '{"$until":"after \\"Look here\\""} "x"',
    )
  })

  it('is refused for a target without a section that is needed, and says which', () => {
    const needy = runbook(
      'needy',
      { title: 'N', when: 'N', needs: ['database', 'health'] as never, params: {} },
      ({ step }) => void step('A', look({})),
    )
    expect(() => planOf(needy, target, {})).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: 'cannot plan needy for bare: not configured: database, health',
      }),
    )
  })

  it('asks for a stack first, where writers are asked for and there is none', () => {
    const needy = runbook(
      'needy',
      { title: 'N', when: 'N', needs: ['writers', 'health'] as never, params: {} },
      ({ step }) => void step('A', look({})),
    )
    const hint = expect.stringMatching(
      /^add stack and writers and health to the target bare .*`runbook help config stack`, `runbook help config writers`/,
    ) as string
    expect(() => planOf(needy, target, {})).toThrow(expect.objectContaining({ hint }))
  })

  it.each([
    ['a file', { database: { engine: 'sqlite' } }],
    ['a file in a volume', { volumeDatabase: { file: '/data/shop.db' } }],
  ])('names the test that there is, where SQLite in %s has no restore test', (_, sections) => {
    const tested = runbook(
      'restore-test',
      { title: 'R', when: 'R', needs: ['restoreTest'] as never, params: {} },
      ({ step }) => void step('A', look({})),
    )
    expect(() => planOf(tested, { ...target, ...sections } as unknown as typeof target, {})).toThrow(
      expect.objectContaining({
        message: 'cannot plan restore-test for bare: not configured: restoreTest',
        hint: expect.stringContaining('runbook backups find-good --target bare') as string,
      }),
    )
  })

  it('is refused where a step cannot say what it does', () => {
    const shy = defineStep<{ readonly list: readonly string[] }, null>({
      kind: 'bare.shy',
      version: 1,
      effect: 'observe',
      describe: ({ list }) => (list as readonly string[]).join(),
      run: async () => null,
    })
    expect(() =>
      planOf(
        book(({ params: given, step }) => step('A', shy({ list: given['where'] as never })), params),
        target,
        {},
      ),
    ).toThrow(
      expect.objectContaining({
        code: 'usage',
        message: 'cannot plan "A": its step bare.shy cannot describe itself',
      }),
    )
  })

  it('gives a person longer than a program', () => {
    const ask = defineStep<Record<string, never>, null>({
      kind: 'bare.ask',
      version: 1,
      effect: 'decide',
      describe: () => 'Asks.',
      run: async () => null,
    })
    expect(
      planOf(
        book(({ step }) => step('Ask', ask({}))),
        target,
        {},
      ).plan.steps[0]?.timeoutSeconds,
    ).toBe(8 * 3600)
  })

  it('names the real system, whatever the target is called', () => {
    const sqlite = (name: string, file: string): Target => ({
      ...target,
      name: name as Target['name'],
      database: { engine: 'sqlite', name: 'x', file, confirmPhrase: 'x', fingerprint: 'rows' },
    })
    const system = (at: Target): string => planOf(script, at, {}).plan.system
    expect(system(sqlite('one', '/a.db'))).toBe(system(sqlite('two', '/a.db')))
    expect(system(sqlite('one', '/a.db'))).not.toBe(system(sqlite('one', '/b.db')))
  })
})

it.each(['', 'Upper', 'two--hyphens', '-x', 'x-', 'a b', '../x'])('a runbook cannot be called %j', (name) => {
  expect(() => runbook(name, { title: '', when: '', needs: [], params: {} }, () => undefined)).toThrow(
    'is not a runbook name: use lowercase letters',
  )
})
