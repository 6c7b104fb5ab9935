import { describe, expectTypeOf, test } from 'vitest'
import {
  defineStep,
  maybe,
  param,
  runbook,
  type Output,
  type Ref,
  type SecretHandle,
  type Target,
} from '../../src/index.ts'

/** What the compiler refuses in a runbook's script. As for steps, each `@ts-expect-error` stands over one mistake. */
const observe = { version: 1, effect: 'observe', describe: () => '' } as const
const archive = defineStep<
  { readonly file: string | null },
  { readonly file: string; readonly major: number; readonly tables: readonly string[] }
>({
  ...observe,
  kind: 'test.archive',
  run: async () => ({ file: '', major: 1, tables: [] }),
})
const needsMajor = defineStep<{ readonly major: number }, null>({
  ...observe,
  kind: 'test.major',
  run: async () => null,
})
const named = defineStep<{ readonly name: string; readonly among: readonly string[] }, null>({
  ...observe,
  kind: 'test.named',
  run: async () => null,
})
const healthy = defineStep<{ readonly url: string }, boolean>({
  ...observe,
  kind: 'test.healthy',
  run: async () => true,
})
const about = { title: '', when: '', needs: [], params: {} } as const

describe('refs', () => {
  test('are typed by the step that gives them, to every depth', () => {
    runbook('x', about, ({ step }) => {
      const found = step('Find', archive({ file: null }))
      expectTypeOf(found.major).toEqualTypeOf<Output<number>>()
      step('Good', needsMajor({ major: found.major }))
      step('Also good', named({ name: found.file, among: found.tables }))
      step('And mixed', named({ name: 'x', among: [found.file, 'y'] }))
      // @ts-expect-error a text is no number
      step('Wrong', needsMajor({ major: found.file }))
      // @ts-expect-error it has no such part
      step('Missing', needsMajor({ major: found.minor }))
      // @ts-expect-error an input is missing
      step('Left out', named({ name: found.file }))
      // @ts-expect-error an input is not known
      step('Too much', needsMajor({ major: 1, minor: 2 }))
    })
  })

  test('belong to a step that may have an id and a time of its own', () => {
    runbook('x', about, ({ step, lastly }) => {
      step('Find', archive({ file: null }), { id: 'find', timeoutSeconds: 5 })
      lastly('Log', archive({ file: null }), { id: 'log' })
      // @ts-expect-error an id is text
      step('Number', archive({ file: null }), { id: 7 })
      // @ts-expect-error an option is not known
      step('Unknown', archive({ file: null }), { key: 'unknown' })
    })
  })

  test('are no values yet', () => {
    runbook('x', about, ({ step }) => {
      const found = step('Find', archive({ file: null }))
      // @ts-expect-error
      if (found.file === 'x') throw new Error()
      // @ts-expect-error
      if (found.major === 15) throw new Error()
      // @ts-expect-error
      if (found.major > 15) throw new Error()
      // @ts-expect-error
      const next: number = found.major + 1
      // @ts-expect-error
      const text: string = found.file
      void [next, text]
    })
  })
})

describe('parameters', () => {
  const params = {
    dump: param.path('').optional(),
    since: param.instant(''),
    count: param.integer('').default(3),
    loud: param.flag(''),
    colour: param.choice('', ['red', 'green']),
    password: param.secret('', { name: 'p', env: 'P' }),
  }

  test('have their types', () => {
    runbook('x', { ...about, params }, ({ params }) => {
      expectTypeOf(params.dump).toEqualTypeOf<Output<string | null>>()
      expectTypeOf(params.since).toEqualTypeOf<Output<string>>()
      expectTypeOf(params.count).toEqualTypeOf<Output<number>>()
      expectTypeOf(params.loud).toExtend<Ref<boolean>>()
      expectTypeOf(params.colour).toExtend<Ref<'red' | 'green'>>()
      expectTypeOf(params.password).toExtend<Ref<SecretHandle>>()
    })
  })

  test('of the wrong type, or unknown, are refused', () => {
    runbook('x', { ...about, params }, ({ params, step }) => {
      step('Good', archive({ file: params.dump }))
      step('Good too', needsMajor({ major: params.count }))
      // @ts-expect-error an instant is a text
      step('Wrong', needsMajor({ major: params.since }))
      // @ts-expect-error it may be null
      step('Null', named({ name: params.dump, among: [] }))
      // @ts-expect-error a secret is named by a handle, and that is no text
      step('Secret', healthy({ url: params.password }))
      // @ts-expect-error there is no such parameter
      step('Unknown', archive({ file: params.dmup }))
    })
  })
})

describe('when', () => {
  test('has a branch for each value, and gives what the branches give', () => {
    runbook(
      'x',
      { ...about, params: { colour: param.choice('', ['red', 'green']) } },
      ({ params, when, step }) => {
        const both = when(params.colour, {
          red: () => step('Red', archive({ file: null })),
          green: () => undefined,
        })
        expectTypeOf(both.red.major).toEqualTypeOf<Output<number>>()
        expectTypeOf(both.green).toEqualTypeOf<undefined>()
        const up = step('Look', healthy({ url: '' }))
        when(up, { true: () => undefined, false: () => undefined })
        // @ts-expect-error the branch for green is missing
        when(params.colour, { red: () => undefined })
        // @ts-expect-error there is no blue
        when(params.colour, { red: () => undefined, green: () => undefined, blue: () => undefined })
        // @ts-expect-error the branch for false is missing
        when(up, { true: () => undefined })
        // @ts-expect-error a plain value is for an ordinary if
        when('red', { red: () => undefined })
        const found = step('Find', archive({ file: null }))
        // @ts-expect-error a number has no branches
        when(found.major, { 15: () => undefined })
      },
    )
  })
})

describe('parallel', () => {
  test('gives what its steps give', () => {
    runbook('x', about, ({ parallel, step }) => {
      const both = parallel('Both', () => ({
        found: step('Find', archive({ file: null })),
        up: step('Look', healthy({ url: '' })),
      }))
      expectTypeOf(both.found.major).toEqualTypeOf<Output<number>>()
      expectTypeOf(both.up).toExtend<Ref<boolean>>()
      step('Good', needsMajor({ major: both.found.major }))
      // @ts-expect-error
      step('Wrong', needsMajor({ major: both.up }))
    })
  })
})

describe('the end', () => {
  test('takes null for what may never have been', () => {
    runbook('x', about, ({ step, lastly }) => {
      const found = step('Find', archive({ file: null }))
      lastly('Good', archive({ file: maybe(found.file) }))
      // @ts-expect-error it may be null
      lastly('Wrong', needsMajor({ major: maybe(found.major) }))
    })
  })
})

describe('what a runbook does not say', () => {
  test('is nothing', () => {
    runbook('x', { title: '', when: '' }, ({ params, target }) => {
      // @ts-expect-error it takes no parameter
      void params.dump
      // @ts-expect-error it needs no section, so the target may have none
      void target.health.length
    })
    runbook('x', { title: '', when: '', params: { dump: param.path('') } }, ({ params }) => {
      expectTypeOf(params.dump).toEqualTypeOf<Output<string>>()
    })
    runbook('x', { title: '', when: '', needs: ['database'] }, ({ target }) => {
      expectTypeOf(target.database).toEqualTypeOf<NonNullable<Target['database']>>()
    })
    // @ts-expect-error a runbook says when to use it
    runbook('x', { title: '' }, () => undefined)
  })
})

describe('targets', () => {
  test('have the sections that are asked for, and perhaps others', () => {
    runbook('x', { ...about, needs: ['database'] }, ({ target }) => {
      expectTypeOf(target.database).toEqualTypeOf<NonNullable<Target['database']>>()
      // @ts-expect-error it may have none
      void target.health.length
      // @ts-expect-error no target has such a section
      void target.databse
    })
  })

  test('a section that does not exist cannot be asked for', () => {
    // @ts-expect-error
    runbook('x', { ...about, needs: ['databse'] }, () => undefined)
  })
})
