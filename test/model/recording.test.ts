import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/kernel/secret.ts'
import { param } from '../../src/model/param.ts'
import { recordingOf } from '../../src/model/recording.ts'
import { maybe } from '../../src/model/ref.ts'
import type { Runbook } from '../../src/model/runbook.ts'
import { idOf } from '../../src/model/step-id.ts'
import { defineStep } from '../../src/model/step.ts'
import { book, change, forGood, look, target } from './bare.ts'

const record = (one: Runbook) => recordingOf(one, target)
const steps = (one: Runbook) =>
  record(one).steps.map(({ id, phase, group, only, needs }) => ({
    id,
    phase,
    group,
    only: only.map(({ is }) => is),
    needs,
  }))

function refused(one: Runbook, message: string | RegExp): void {
  let thrown: unknown
  try {
    record(one)
  } catch (caught) {
    thrown = caught
  }
  expect(thrown).toMatchObject({
    name: 'RunbookError',
    code: 'usage',
    message: expect.stringMatching(message) as string,
    hint: expect.stringMatching(/./) as string,
  })
}

describe('a script', () => {
  it('is recorded as steps with keys, phases, groups, branches and edges, and never executed', () => {
    const recorded = book(
      ({ params, step, parallel, when, pointOfNoReturn, lastly }) => {
        const first = step('Look at it', look({ at: params['where'] as never }))
        parallel('Both at once', () => {
          step('Change this', change({ size: first.parts.size }))
          step('Change that', change({ size: first.parts.size, name: first.name }))
        })
        when(first.ok, { true: () => step('Only when fine', change({})), false: () => undefined })
        pointOfNoReturn('It is new.')
        step('Clean up', forGood({}))
        lastly('Tell', look({ name: maybe(first.name) }))
      },
      { where: param.text('Where') },
    )
    expect(steps(recorded)).toEqual([
      { id: 'look-at-it', phase: 'reversible', group: null, only: [], needs: [] },
      { id: 'change-this', phase: 'reversible', group: 'Both at once', only: [], needs: ['look-at-it'] },
      { id: 'change-that', phase: 'reversible', group: 'Both at once', only: [], needs: ['look-at-it'] },
      { id: 'only-when-fine', phase: 'reversible', group: null, only: ['true'], needs: [] },
      { id: 'clean-up', phase: 'committed', group: null, only: [], needs: [] },
      { id: 'tell', phase: 'lastly', group: null, only: [], needs: ['look-at-it'] },
    ])
    expect(record(recorded).pivot).toEqual({ before: 4, because: 'It is new.' })
    expect(record(recorded).steps[1]?.input).toEqual({
      size: { $ref: 'look-at-it', path: ['parts', 'size'] },
    })
    expect(record(recorded).steps[0]?.input).toEqual({ at: { $param: 'where', path: [] } })
  })

  it('gives what its branches return, good in the same branch again', () => {
    const recorded = book(
      ({ params, step, when }) => {
        const made = when(params['way'] as never, {
          a: () => step('Make A', change({})),
          b: () => step('Make B', change({})),
        }) as never as { a: { name: string }; b: { name: string } }
        when(params['way'] as never, {
          a: () => step('Use A', look({ name: made.a.name })),
          b: () => undefined,
        })
        step('Use either', look({ a: maybe(made.a.name as never), b: maybe(made.b.name as never) } as never))
      },
      { way: param.choice('Way', ['a', 'b']) },
    )
    expect(steps(recorded).map(({ id, only }) => [id, ...only])).toEqual([
      ['make-a', 'a'],
      ['make-b', 'b'],
      ['use-a', 'a'],
      ['use-either'],
    ])
  })

  it.each<[string, RegExp, Runbook]>([
    ['has no steps', /it records no steps/, book(() => undefined)],
    ['is async', /its script is async/, book(async ({ step }) => step('Look', look({})))],
    [
      'throws',
      /cannot record the runbook bare$/,
      book(() => {
        throw new Error('oops')
      }),
    ],
    ['gives a step no words', /"…" is not a step title/, book(({ step }) => step('…', look({})))],
    [
      'gives a step with an id no words',
      /"😀" is not a step title/,
      book(({ step }) => step('😀', look({}), { id: 'look' })),
    ],
    [
      'gives a step a title without Latin letters, and no id',
      /no id can be derived from the title "停止写入"/,
      book(({ step }) => step('停止写入', look({}))),
    ],
    [
      'gives two steps one title',
      /two steps are titled "Look"/,
      book(({ step }) => [step('Look', look({})), step('Look', look({}))]),
    ],
    [
      'gives two steps one key',
      /"Look!" and "look" are too similar/,
      book(({ step }) => [step('Look!', look({})), step('look', look({}))]),
    ],
    ...['', 'Look', 'look_at', 'look--at', '-look', 'look-', 'a b', 'x'.repeat(61), 7].map(
      (id): [string, RegExp, Runbook] => [
        `gives a step the id ${JSON.stringify(id)}`,
        /the id of "Look" is /,
        book(({ step }) => step('Look', look({}), { id: id as string })),
      ],
    ),
    [
      'gives two steps one id',
      /"Look" and "Look again" both have the id look/,
      book(({ step }) => [step('Look', look({})), step('Look again', look({}), { id: 'look' })]),
    ],
    [
      'gives a step the id that the title of a later one makes',
      /"Look" and "Again" both have the id again/,
      book(({ step }) => [step('Look', look({}), { id: 'again' }), step('Again', look({}))]),
    ],
    [
      'gives a lastly step an id that is taken',
      /"Look" and "Tell" both have the id look/,
      book(({ step, lastly }) => [step('Look', look({})), lastly('Tell', look({}), { id: 'look' })]),
    ],
    [
      'gives two groups one title',
      /two groups are titled "Both"/,
      book(({ step, parallel }) => [
        parallel('Both', () => step('A', look({}))),
        step('B', look({})),
        parallel('Both', () => step('C', look({}))),
      ]),
    ],
    [
      'nests groups',
      /parallel "In" is inside another/,
      book(({ step, parallel }) => parallel('Out', () => parallel('In', () => step('A', look({}))))),
    ],
    [
      'branches within a group',
      /when\(…\) is inside parallel/,
      book(
        ({ step, parallel, when, params }) =>
          parallel('P', () => when(params['w'] as never, { a: () => step('A', look({})) } as never)),
        { w: param.choice('w', ['a']) },
      ),
    ],
    [
      'branches on a plain value',
      /when\(…\) got a plain value/,
      book(({ step, when }) => [step('A', look({})), when('a' as never, { a: () => undefined } as never)]),
    ],
    [
      'branches on what one branch alone gives',
      /when\(…\) takes the output of "A", which only one branch produces/,
      book(
        ({ step, when, params }) => {
          const made = when(params['w'] as never, { a: () => step('A', look({})) } as never) as {
            a: { ok: boolean }
          }
          when(made.a.ok as never, { true: () => step('B', look({})), false: () => undefined } as never)
        },
        { w: param.choice('w', ['a', 'b']) },
      ),
    ],
    [
      'marks two points of no return',
      /two points of no return/,
      book(({ step, pointOfNoReturn }) => [step('A', look({})), pointOfNoReturn('x'), pointOfNoReturn('y')]),
    ],
    [
      'marks it in a branch',
      /pointOfNoReturn\(…\) is in a branch/,
      book(
        ({ step, when, params, pointOfNoReturn }) =>
          when(params['w'] as never, { a: () => [step('A', look({})), pointOfNoReturn('x')] } as never),
        { w: param.choice('w', ['a']) },
      ),
    ],
    [
      'marks it in a group',
      /pointOfNoReturn\(…\) is inside parallel/,
      book(({ step, parallel, pointOfNoReturn }) =>
        parallel('P', () => [step('A', look({})), pointOfNoReturn('x')]),
      ),
    ],
    [
      'marks it after the end',
      /pointOfNoReturn\(…\) follows a lastly step/,
      book(({ step, lastly, pointOfNoReturn }) => [
        step('A', look({})),
        lastly('L', look({})),
        pointOfNoReturn('x'),
      ]),
    ],
    [
      'goes on after the end',
      /the step "B" follows a lastly step/,
      book(({ step, lastly }) => [step('A', look({})), lastly('L', look({})), step('B', look({}))]),
    ],
    [
      'ends in a branch',
      /lastly "L" is in a branch/,
      book(
        ({ step, when, lastly, params }) => [
          step('A', look({})),
          when(params['w'] as never, { a: () => lastly('L', look({})) } as never),
        ],
        { w: param.choice('w', ['a']) },
      ),
    ],
    [
      'ends in a group',
      /lastly "L" is inside parallel/,
      book(({ step, parallel, lastly }) => [step('A', look({})), parallel('P', () => lastly('L', look({})))]),
    ],
    [
      'ends on what may never have run',
      /lastly "L" takes the output of "a", which may never have run/,
      book(({ step, lastly }) => {
        const a = step('A', look({}))
        lastly('L', look({ name: a.name }))
      }),
    ],
    [
      'destroys before the point of no return',
      /"Gone" cannot be undone \(it is gone then\) but is before the point of no return/,
      book(({ step }) => step('Gone', forGood({}))),
    ],
    [
      'takes what runs at the same time',
      /"B" takes the output of "A", which runs at the same time/,
      book(({ step, parallel }) =>
        parallel('P', () => {
          const a = step('A', look({}))
          step('B', look({ name: a.name }))
        }),
      ),
    ],
    [
      'takes what one branch alone gives',
      /"B" takes the output of "A", which only one branch produces/,
      book(
        ({ step, when, params }) => {
          const made = when(params['w'] as never, { a: () => step('A', look({})) } as never) as {
            a: { name: string }
          }
          step('B', look({ name: made.a.name }))
        },
        { w: param.choice('w', ['a', 'b']) },
      ),
    ],
    [
      'passes a secret',
      /input\.password of "A" is a secret/,
      book(({ step }) => step('A', look({ password: new Secret('p', 'long enough to be one') as never }))),
    ],
    [
      'passes undefined',
      /input\.x of "A" is undefined/,
      book(({ step }) => step('A', look({ x: undefined as never }))),
    ],
    [
      'passes a date',
      /input\.x\[0\] of "A" is not JSON/,
      book(({ step }) => step('A', look({ x: [new Date()] as never }))),
    ],
    [
      'passes what looks like an address',
      /input\.x of "A" has a key \$ref or \$param/,
      book(({ step }) => step('A', look({ x: { $ref: 'a', path: [] } }))),
    ],
    [
      'gives a step no time',
      /invalid timeout of "A": 0 s/,
      book(({ step }) => step('A', look({}), { timeoutSeconds: 0 })),
    ],
    [
      'gives a step more time than Node can count',
      /invalid timeout of "A": 2147484 s/,
      book(({ step }) => step('A', look({}), { timeoutSeconds: 2_147_484 })),
    ],
    [
      'gives a step no number of seconds',
      /invalid timeout of "A": NaN s/,
      book(({ step }) => step('A', look({}), { timeoutSeconds: Number.NaN })),
    ],
    [
      'repeats half a time',
      /invalid retry\.times of "A": 1\.5/,
      book(({ step }) => step('A', look({}), { retry: { times: 1.5, delaySeconds: 1 } })),
    ],
    [
      'repeats before the last attempt',
      /invalid retry\.delaySeconds of "A": -1/,
      book(({ step }) => step('A', look({}), { retry: { times: 1, delaySeconds: -1 } })),
    ],
    ...[undefined, null, 7, {}].map((title): [string, RegExp, Runbook] => [
      `gives a step the title ${JSON.stringify(title)}`,
      /the title of a step is (?:undefined|null|a number|an object)$/,
      book(({ step }) => step(title as never, look({}))),
    ]),
    ...[undefined, null, 'look', [], {}, { step: {}, input: {} }, { step: look, input: {} }].map(
      (call): [string, RegExp, Runbook] => [
        `gives a step no call but ${JSON.stringify(call)}`,
        /"A" is given .* in place of a call$/,
        book(({ step }) => step('A', call as never)),
      ],
    ),
    [
      'forgets to call a step',
      /"A" is given the step bare\.look, which was not called/,
      book(({ step }) => step('A', look as never)),
    ],
    [
      'gives a step a function',
      /"A" is given a function, which was not called/,
      book(({ step }) => step('A', (() => look({})) as never)),
    ],
    [
      'gives a step the output of another',
      /"B" is given a, a ref, in place of a call/,
      book(({ step }) => step('B', step('A', look({})) as never)),
    ],
    [
      'gives a lastly step no call',
      /"A" is given undefined in place of a call/,
      book(({ lastly }) => lastly('A', undefined as never)),
    ],
    ...[7, null, 'x', []].map((input): [string, RegExp, Runbook] => [
      `gives a step the input ${JSON.stringify(input)}`,
      /the input of "A" is .*, not an object/,
      book(({ step }) => step('A', look(input as never))),
    ]),
    [
      'gives a ref as the input',
      /the input of "B" is the ref a, not an object/,
      book(({ step }) => step('B', look(step('A', look({})) as never))),
    ],
    [
      'misspells an option',
      /"A" has the unknown option timeoutSecond$/,
      book(({ step }) => step('A', look({}), { timeoutSecond: 5 } as never)),
    ],
    [
      'gives a number for options',
      /the options of "A" are a number, not an object/,
      book(({ step }) => step('A', look({}), 60 as never)),
    ],
    [
      'gives a number for retry',
      /retry of "A" is a number, not an object/,
      book(({ step }) => step('A', look({}), { retry: 3 as never })),
    ],
    [
      'gives parallel no title',
      /parallel\(…\) is given a function and undefined, not a title and a function/,
      book(({ parallel }) => parallel((() => undefined) as never, undefined as never)),
    ],
    [
      'makes parallel async',
      /parallel "Both" is async/,
      book(({ parallel, step }) => parallel('Both', async () => step('A', look({})))),
    ],
    [
      'gives when no branches',
      /when\(…\) is given undefined in place of its branches/,
      book(({ when, step }) => when(step('A', look({})).ok as never, undefined as never)),
    ],
    [
      'gives when a branch that is no function',
      /the branch true of when\(…\) is an object, not a function/,
      book(({ when, step }) =>
        when(step('A', look({})).ok as never, { true: {}, false: () => undefined } as never),
      ),
    ],
    [
      'makes a branch async',
      /the branch true of when\(…\) is async/,
      book(({ when, step }) =>
        when(step('A', look({})).ok as never, { true: async () => undefined } as never),
      ),
    ],
    ...[undefined, '', 7].map((because): [string, RegExp, Runbook] => [
      `gives ${JSON.stringify(because)} as the reason of its point of no return`,
      /pointOfNoReturn\(…\) has no reason/,
      book(({ pointOfNoReturn, step }) => [step('A', look({})), pointOfNoReturn(because as never)]),
    ]),
  ])('is refused when it %s', (_, message, one) => refused(one, message))

  it('is refused when a time-out of the step itself is none', () => {
    const never = defineStep<Record<string, never>, null>({
      kind: 'bare.never',
      version: 1,
      effect: 'observe',
      timeoutSeconds: -5,
      describe: () => 'Never.',
      run: async () => null,
    })
    refused(
      book(({ step }) => step('A', never({}))),
      /invalid timeout of "A": -5 s/,
    )
  })

  it('is refused when a step is added after it has ended', () => {
    let late: (() => unknown) | undefined
    const one = book(({ step }) => {
      late = () => step('Late', look({}))
      step('A', look({}))
    })
    record(one)
    expect(() => late?.()).toThrow('the step "Late" is added after its script has ended')
  })

  it('is refused with refs of another script', () => {
    let kept: unknown
    record(
      book(({ step }) => {
        kept = step('Elsewhere', look({})).name
      }),
    )
    refused(
      book(({ step }) => step('A', look({ name: kept as never }))),
      /takes the output of "elsewhere", which is not a step of this runbook/,
    )
  })

  it.each<[string, () => Runbook]>([
    [
      'counts',
      () => {
        let n = 0
        return book(({ step }) => step(`Step ${(n += 1)}`, look({})))
      },
    ],
    ['passes chance', () => book(({ step }) => step('A', look({ at: Math.random() })))],
    [
      'is patient by chance',
      () => {
        let n = 0
        return book(({ step }) => step('A', look({}), { timeoutSeconds: (n += 1) }))
      },
    ],
    [
      'turns by chance',
      () => {
        let n = 0
        return book(({ step, pointOfNoReturn }) => {
          step('A', look({}))
          pointOfNoReturn(`because ${(n += 1)}`)
        })
      },
    ],
  ])('is refused when it records otherwise the second time, as when it %s', (_, make) =>
    refused(make(), /two recordings in a row differ/),
  )
})

describe('the id of a step', () => {
  it('is the one that the runbook gives it, in the plan and in refs to its output', () => {
    const { steps: recorded } = record(
      book(({ step, lastly }) => {
        const seen = step('Look around', look({}), { id: 'look', timeoutSeconds: 7 })
        step('Change', change({ name: seen.name }), { id: '2nd' })
        lastly('Tell', look({ name: maybe(seen.name) }), { id: 'x'.repeat(60) })
      }),
    )
    expect(recorded.map(({ id, needs, patience }) => ({ id, needs, patience }))).toEqual([
      { id: 'look', needs: [], patience: { timeoutSeconds: 7 } },
      { id: '2nd', needs: ['look'], patience: {} },
      { id: 'x'.repeat(60), needs: ['look'], patience: {} },
    ])
  })

  it('are given where a title has no Latin letters', () => {
    const [stop, start] = record(
      book(({ step }) => [
        step('停止写入', look({}), { id: 'stop-writers' }),
        step('Запустить', look({}), { id: 'start-writers' }),
      ]),
    ).steps
    expect([stop?.id, stop?.title, start?.id]).toEqual(['stop-writers', '停止写入', 'start-writers'])
  })

  it.each([
    ['Stop writers', 'stop-writers'],
    ['  Ünïcode & more!  ', 'u-ni-code-more'],
    ['…', ''],
    [`${'x'.repeat(59)} y z`, 'x'.repeat(59)],
  ])('made from the title %j is %j', (title, id) => {
    expect(idOf(title)).toBe(id)
  })
})

describe('steps that people address by name', () => {
  const named = defineStep<{ readonly name: string }, null>({
    kind: 'bare.named',
    version: 1,
    effect: 'observe',
    addressedBy: 'name',
    describe: () => 'Is named.',
    run: async () => null,
  })

  it.each([
    [
      'twice the same',
      () => [named({ name: 'tell' }), named({ name: 'tell' })],
      '"Step 0" and "Step 1" are both addressed as tell',
    ],
    ['capitals', () => [named({ name: 'Tell' })], 'the name of "Step 0" is "Tell"'],
    ['nothing', () => [named({ name: '' })], 'the name of "Step 0" is ""'],
    ['what a flag could not carry', () => [named({ name: 'a=b' })], 'the name of "Step 0" is "a=b"'],
  ] as const)('are refused with %s', (_, calls, says) => {
    expect(() =>
      recordingOf(
        book(({ step }) => calls().forEach((call, index) => step(`Step ${index}`, call))),
        target,
      ),
    ).toThrow(says)
  })
})
