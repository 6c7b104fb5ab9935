import { describe, expect, it } from 'vitest'
import { param } from '../../src/model/param.ts'
import { runbook } from '../../src/model/runbook.ts'
import { defineStep } from '../../src/model/step.ts'

type Fields = { readonly [name: string]: unknown }

const observing: Fields = {
  kind: 'team.read-queue',
  version: 1,
  effect: 'observe',
  describe: () => 'Reads the queue.',
  run: async () => null,
}

const acting: Fields = {
  ...observing,
  kind: 'team.pause-queue',
  effect: 'change',
  survey: async () => null,
  probe: async () => ({ is: 'absent' }),
  undo: async () => undefined,
}

/** Fails when anything of it is read. */
const unreadable = new Proxy(
  {},
  {
    get: () => {
      throw new Error('unreadable')
    },
  },
)

/** As JavaScript does, without the compiler. */
const define = (fields: unknown): unknown => defineStep(fields as never)

const usage = (message: string) =>
  expect.objectContaining({
    name: 'RunbookError',
    code: 'usage',
    message,
    hint: expect.stringMatching(/./) as string,
  }) as Error

describe('a step is checked when it is defined', () => {
  it('accepts complete definitions', () => {
    expect(() => define(observing)).not.toThrow()
    expect(() => define(acting)).not.toThrow()
    expect(() => define({ ...acting, undo: undefined, irreversible: 'it is sent' })).not.toThrow()
    expect(() => define({ ...acting, owner: 'team' })).not.toThrow()
    const itself: { [name: string]: unknown } = { ...acting }
    itself['formerly'] = [itself]
    expect(() => define(itself)).not.toThrow()
    const marks = { downFrom: true, dataAsOf: () => '' }
    expect(() => define({ ...acting, leaves: [], marks, formerly: [acting] })).not.toThrow()
  })

  const pause = 'the step team.pause-queue'
  it.each<[what: string, fields: unknown, message: string]>([
    ['nothing', undefined, 'a step is not an object'],
    ['no kind', { ...acting, kind: '' }, 'a step has no kind'],
    [
      'no way back',
      { ...acting, undo: undefined },
      `${pause} changes something and has neither undo nor irreversible`,
    ],
    ['two ways', { ...acting, irreversible: 'why' }, `${pause} has both undo and irreversible`],
    [
      'irreversible: true',
      { ...acting, undo: undefined, irreversible: true },
      `${pause} has an irreversible that is not a text`,
    ],
    ['no probe', { ...acting, probe: undefined }, `${pause} has no probe`],
    ['no survey', { ...acting, survey: undefined }, `${pause} has no survey`],
    [
      'an undo of the wrong type',
      { ...acting, undo: 'no' },
      `${pause} has a field undo that is not a function`,
    ],
    ['no describe', { ...observing, describe: undefined }, 'the step team.read-queue has no describe'],
    ['no run', { ...observing, run: undefined }, 'the step team.read-queue has no run'],
    [
      'a list as needs',
      { ...acting, needs: ['queuectl'] },
      `${pause} has a field needs that is not a function`,
    ],
    [
      'a predict that is data',
      { ...acting, predict: {} },
      `${pause} has a field predict that is not a function`,
    ],
    ['no version', { ...acting, version: undefined }, `${pause} has no version`],
    ['no effect', { ...acting, effect: undefined }, `${pause} has no effect`],
    ['an unknown effect', { ...acting, effect: 'chnage' }, `${pause} has the unknown effect "chnage"`],
    ['an effect that JSON lacks', { ...acting, effect: 1n }, `${pause} has the unknown effect 1`],
    [
      'an unreadable place',
      { ...acting, leaves: unreadable },
      `${pause} has the unknown leaves a value of type object`,
    ],
    [
      'an address that is no text',
      { ...acting, addressedBy: 1 },
      `${pause} has an addressedBy that is not a text`,
    ],
    ['an unknown place', { ...acting, leaves: ['files'] }, `${pause} has the unknown leaves ["files"]`],
    [
      'a text as timeout',
      { ...acting, timeoutSeconds: '60' },
      `${pause} has a timeoutSeconds that is not a number`,
    ],
    ['a misspelt field', { ...acting, preflght: () => [] }, `${pause} has an unknown field preflght`],
    ['an unknown mark', { ...acting, marks: { down: true } }, `${pause} has an unknown or wrong mark down`],
    ['a text as flag', { ...acting, rerunnable: 'yes' }, `${pause} has rerunnable: "yes"`],
    ['a former kind alone', { ...acting, formerly: acting }, `${pause} has a formerly that is not a list`],
    [
      'a bad former kind',
      { ...acting, formerly: [{ ...acting, kind: 'team.stop-queue', probe: undefined }] },
      'the step team.stop-queue has no probe',
    ],
  ])('refuses %s', (_, fields, message) => {
    expect(() => define(fields)).toThrow(usage(message))
  })
})

describe('a runbook is checked when it is defined', () => {
  const about: Fields = { title: 'Pause', when: 'It floods.', needs: [], params: {} }
  const make = (fields: unknown, record: unknown = () => undefined): unknown =>
    runbook('pause', fields as never, record as never)

  it('accepts complete definitions', () => {
    expect(() => make({ ...about, params: { why: param.text('Why') }, remedy: {} })).not.toThrow()
  })

  it('needs nothing and takes no parameter where it says neither', () => {
    const { title, when } = about
    expect(make({ title, when })).toMatchObject({ about: { title, when, needs: [], params: {} } })
    expect(make({ title, when, needs: undefined, params: undefined })).toMatchObject({
      about: { needs: [], params: {} },
    })
  })

  it.each<[what: string, fields: unknown, message: string]>([
    ['nothing', undefined, 'has no description'],
    ['no title', { ...about, title: undefined }, 'has no title'],
    ['no when', { ...about, when: 3 }, 'has no when'],
    ['a script first', () => undefined, 'has its script in place of its description'],
    ['a text as needs', { ...about, needs: 'database' }, 'has needs that is not a list'],
    ['a text as params', { ...about, params: 'why' }, 'has params that are not an object'],
    ['a list as params', { ...about, params: [] }, 'has params that are not an object'],
    ['a misspelt field', { ...about, parms: {} }, 'has an unknown field parms'],
    [
      'a text as parameter',
      { ...about, params: { why: 'Why' } },
      'has a parameter why that is not made with param',
    ],
    ['a remedy that is no object', { ...about, remedy: true }, 'has a remedy that is not an object'],
  ])('refuses %s', (_, fields, message) => {
    expect(() => make(fields)).toThrow(usage(`the runbook pause ${message}`))
  })

  it('refuses one without a script', () => {
    expect(() => make(about, null)).toThrow(usage('the runbook pause has no script'))
  })
})
