import { describe, expectTypeOf, test } from 'vitest'
import {
  defineStep,
  runbook,
  type Call,
  type DutyRecord,
  type Preview,
  type Secret,
} from '../../src/index.ts'
import {
  chooseDump,
  createRoles,
  dumpDatabase,
  readDump,
  restoreIntoThrowaway,
  startThrowaway,
} from '../../steps/index.ts'

/**
 * What the compiler refuses in a step. Each `@ts-expect-error` stands over the one mistake in a definition that is right otherwise, as
 * the first definitions show; where nothing were wrong, the comment itself would be the error.
 */
type In = { readonly path: string }
type Out = { readonly bytes: number }
type Before = { readonly was: number | null }

const described = { kind: 'test.kind', version: 1, describe: () => 'Does something.' } as const

describe('a step that changes something', () => {
  test('is right with a survey, a probe and an undo', () => {
    const step = defineStep<In, Out, Before>({
      ...described,
      effect: 'change',
      survey: async (look, { path }) => ({ was: (await look.files.stat(path))?.bytes ?? null }),
      run: async (io, { input: { path } }) => {
        await io.files.write(path, 'x')
        return { bytes: 1 }
      },
      probe: async () => ({ is: 'done', output: { bytes: 1 } }),
      undo: async (io, { before, output }) => {
        expectTypeOf(before).toEqualTypeOf<Before>()
        expectTypeOf(output).toEqualTypeOf<Out | undefined>()
        await io.files.removeTree('x')
      },
    })
    expectTypeOf(step({ path: 'x' })).toEqualTypeOf<Call<Out>>()
  })

  test('is right where it says why it cannot be undone', () => {
    defineStep<In, null>({
      ...described,
      effect: 'destroy',
      survey: async () => null,
      run: async () => null,
      probe: async () => ({ is: 'absent' }),
      irreversible: 'it is gone',
    })
  })

  test('declares where it leaves something, in words that are known', () => {
    const step = {
      ...described,
      effect: 'exercise',
      run: async () => null,
    } as const
    defineStep<In, null>({ ...step, leaves: [] })
    defineStep<In, null>({ ...step, leaves: ['processes', 'containers', 'sessions'] })
    // @ts-expect-error
    defineStep<In, null>({ ...step, leaves: ['databases'] })
  })

  test('is no duty; a decision is one where its output tells who did what and when', () => {
    const told: DutyRecord = { name: '', outcome: 'done', by: '', at: '', how: '', text: '' }
    defineStep<In, DutyRecord>({ ...described, effect: 'decide', duty: true, run: async () => told })
    // @ts-expect-error
    defineStep<In, Out>({ ...described, effect: 'decide', duty: true, run: async () => ({ bytes: 1 }) })
    // @ts-expect-error
    defineStep<In, DutyRecord>({ ...described, effect: 'exercise', duty: true, run: async () => told })
  })

  test('needs a probe', () => {
    // @ts-expect-error
    defineStep<In, null>({
      ...described,
      effect: 'change',
      survey: async () => null,
      run: async () => null,
      undo: async () => undefined,
    })
  })

  test('needs a survey', () => {
    // @ts-expect-error
    defineStep<In, null>({
      ...described,
      effect: 'change',
      run: async () => null,
      probe: async () => ({ is: 'absent' }),
      undo: async () => undefined,
    })
  })

  test('needs an undo, or a reason why there is none', () => {
    // @ts-expect-error
    defineStep<In, null>({
      ...described,
      effect: 'change',
      survey: async () => null,
      run: async () => null,
      probe: async () => ({ is: 'absent' }),
    })
  })

  test('has not both', () => {
    defineStep<In, null>({
      ...described,
      effect: 'change',
      survey: async () => null,
      run: async () => null,
      probe: async () => ({ is: 'absent' }),
      undo: async () => undefined,
      // @ts-expect-error
      irreversible: 'and yet it can be undone',
    })
  })

  test('says what it found with its own output', () => {
    defineStep<In, Out>({
      ...described,
      effect: 'change',
      survey: async () => null,
      run: async () => ({ bytes: 1 }),
      undo: async () => undefined,
      // @ts-expect-error
      probe: async () => ({ is: 'done', output: { bytes: 'one' } }),
    })
  })
})

describe('inferred', () => {
  test('the output is what run returns, and before what survey returns', () => {
    const step = defineStep<In>()({
      kind: 'test.inferred',
      version: 1,
      effect: 'change',
      describe: ({ path }) => {
        expectTypeOf(path).toEqualTypeOf<Preview<In>['path']>()
        return 'Does something.'
      },
      preflight: async (_, { path }) => {
        expectTypeOf(path).toEqualTypeOf<Preview<In>['path']>()
        return []
      },
      survey: async (look, { path }) => ({ was: (await look.files.stat(path))?.bytes ?? null }),
      predict: ({ before }) => {
        expectTypeOf(before).toEqualTypeOf<{ was: number | null } | undefined>()
        return { output: { bytes: 1 } }
      },
      run: async (io, { input: { path }, before }) => {
        expectTypeOf(before).toEqualTypeOf<{ was: number | null }>()
        await io.files.write(path, 'x')
        return { bytes: 1, path }
      },
      probe: async (_, { input, before }) => {
        expectTypeOf(input).toEqualTypeOf<In>()
        expectTypeOf(before).toEqualTypeOf<{ was: number | null }>()
        return { is: 'done', output: { bytes: 1, path: 'x' } }
      },
      undo: async (io, { before, output }) => {
        expectTypeOf(before).toEqualTypeOf<{ was: number | null }>()
        expectTypeOf(output).toEqualTypeOf<{ bytes: number; path: string } | undefined>()
        await io.files.removeTree('x')
      },
    })
    expectTypeOf(step({ path: 'x' })).toEqualTypeOf<Call<{ bytes: number; path: string }>>()
    // @ts-expect-error an input is missing
    step({})
    // @ts-expect-error an input is not known
    step({ path: 'x', other: 1 })
    // @ts-expect-error an input is of another type
    step({ path: 1 })
  })

  test('goes from step to step of a runbook', () => {
    const read = defineStep<In>()({
      ...described,
      effect: 'observe',
      run: async (_, { path }) => ({ file: path, major: 17 }),
    })
    const use = defineStep<{ readonly file: string }>()({
      ...described,
      effect: 'exercise',
      run: async (io, { file }) => {
        io.note(file)
        return null
      },
    })
    runbook('x', { title: '', when: '' }, ({ step }) => {
      const found = step('Read', read({ path: 'x' }))
      step('Use', use({ file: found.file }))
      // @ts-expect-error a number is no text
      step('Misuse', use({ file: found.major }))
      // @ts-expect-error it has no such part
      step('Miss', use({ file: found.name }))
    })
  })

  test('from a type at the first function, in one call', () => {
    const step = defineStep({
      kind: 'test.one-call',
      version: 1,
      effect: 'observe',
      describe: ({ path }: Preview<In>) => String(path),
      run: async (_, { path }) => ({ bytes: path.length }),
    })
    expectTypeOf(step({ path: 'x' })).toEqualTypeOf<Call<{ bytes: number }>>()
  })

  const acting = {
    ...described,
    effect: 'change',
    survey: async () => ({ was: 1 }),
    run: async () => ({ bytes: 1 }),
    undo: async () => undefined,
  } as const

  test('a probe and a prediction say what run returns', () => {
    defineStep<In>()({ ...acting, probe: async () => ({ is: 'done', output: { bytes: 1 } }) })
    defineStep<In>()({
      ...acting,
      // @ts-expect-error
      probe: async () => ({ is: 'done', output: { bytes: 'one' } }),
    })
    defineStep<In>()({
      ...acting,
      probe: async () => ({ is: 'absent' }),
      // @ts-expect-error
      predict: () => ({ output: { bytes: 'one' } }),
    })
  })

  test('what is missing or no JSON is refused as before', () => {
    // @ts-expect-error it has no probe
    defineStep<In>()(acting)
    // @ts-expect-error a Date is no JSON
    defineStep<In>()({ ...described, effect: 'observe', run: async () => ({ at: new Date() }) })
    // @ts-expect-error it returns nothing
    defineStep<In>()({ ...described, effect: 'observe', run: async () => undefined })
    // @ts-expect-error a Date is no JSON
    defineStep<{ readonly at: Date }>()
  })

  test('eyes have no hands', () => {
    defineStep<In>()({
      ...described,
      effect: 'change',
      survey: async (look) => {
        // @ts-expect-error
        await look.files.removeTree('/')
        return { was: 1 }
      },
      run: async () => null,
      undo: async () => undefined,
      probe: async (look) => {
        // @ts-expect-error
        await look.files.removeTree('/')
        return { is: 'absent' }
      },
    })
  })
})

describe('eyes have no hands', () => {
  const stack = { kind: 'process', project: 'p', directory: '/', state: '/', services: {} } as const
  const group = { stack, names: ['app'] }

  test('a survey cannot act', () => {
    defineStep<In, null>({
      ...described,
      effect: 'change',
      run: async () => null,
      probe: async () => ({ is: 'absent' }),
      undo: async () => undefined,
      survey: async (look) => {
        // @ts-expect-error
        await look.services.stop(group, 10)
        return null
      },
    })
  })

  test('a probe cannot act', () => {
    defineStep<In, null>({
      ...described,
      effect: 'change',
      survey: async () => null,
      run: async () => null,
      undo: async () => undefined,
      probe: async (look) => {
        // @ts-expect-error
        await look.files.removeTree('/')
        return { is: 'absent' }
      },
    })
  })

  test('a prediction has no driver at all', () => {
    defineStep<In, null>({
      ...described,
      effect: 'change',
      survey: async () => null,
      run: async () => null,
      probe: async () => ({ is: 'absent' }),
      undo: async () => undefined,
      // @ts-expect-error
      predict: ({ look }) => ({ output: look }),
    })
  })

  test('an observation cannot act, run or predicted', () => {
    defineStep<In, null>({
      ...described,
      effect: 'observe',
      preflight: async (look) => {
        // @ts-expect-error
        await look.people.ask({ text: '', phrase: null, showing: {}, acceptsEnvironment: false })
        return []
      },
      predict: async ({ look }) => {
        // @ts-expect-error
        await look.files.write('x', 'y')
        return { output: null }
      },
      run: async (look) => {
        // @ts-expect-error
        await look.commands.run({ argv: ['rm'], directory: '/', environment: {}, secrets: {} })
        // @ts-expect-error
        await look.secrets.reveal({ secret: 'x', from: { env: 'X' } })
        return null
      },
    })
  })

  test('a decision asks, and can do nothing else', () => {
    defineStep<In, null>({
      ...described,
      effect: 'decide',
      run: async (ask) => {
        await ask.people.ask({ text: '', phrase: null, showing: {}, acceptsEnvironment: false })
        // @ts-expect-error
        await ask.services.start(group)
        return null
      },
    })
  })
})

describe('only JSON goes in and comes out', () => {
  class Dump {
    readonly bytes = 1
    size(): number {
      return this.bytes
    }
  }
  const observe = { ...described, effect: 'observe' } as const

  test('no Date', () => {
    // @ts-expect-error
    defineStep<In, { readonly at: Date }>({ ...observe, run: async () => ({ at: new Date() }) })
    // @ts-expect-error
    defineStep<{ readonly at: Date }, null>({ ...observe, run: async () => null })
  })

  test('no class', () => {
    // @ts-expect-error
    defineStep<In, Dump>({ ...observe, run: async () => new Dump() })
    // @ts-expect-error
    defineStep<{ readonly dump: Dump }, null>({ ...observe, run: async () => null })
  })

  test('no secret, though its name', () => {
    // @ts-expect-error
    defineStep<{ readonly password: Secret }, null>({ ...observe, run: async () => null })
    // @ts-expect-error
    defineStep<In, Secret>({ ...observe, run: async () => ({}) as Secret })
    defineStep<
      { readonly password: { readonly secret: string; readonly from: { readonly env: string } } },
      null
    >({ ...observe, run: async () => null })
  })

  test('no undefined, no function, no bigint', () => {
    // @ts-expect-error
    defineStep<In, undefined>({ ...observe, run: async () => undefined })
    // @ts-expect-error
    defineStep<In, () => void>({ ...observe, run: async () => () => undefined })
    // @ts-expect-error
    defineStep<In, bigint>({ ...observe, run: async () => 1n })
  })

  test('and what a survey saw', () => {
    defineStep<In, null, { readonly at: string }>({
      ...described,
      effect: 'change',
      survey: async () => ({ at: 'x' }),
      run: async () => null,
      probe: async () => ({ is: 'absent' }),
      undo: async () => undefined,
    })
    // @ts-expect-error
    defineStep<In, null, Date>({
      ...described,
      effect: 'change',
      survey: async () => new Date(),
      run: async () => null,
      probe: async () => ({ is: 'absent' }),
      undo: async () => undefined,
    })
  })
})

describe('what is restored for a look only', () => {
  test('goes into a throwaway server, and never into a database that a target names', () => {
    runbook(
      'x',
      { title: '', when: '', needs: ['database', 'backups', 'restoreTest'], params: {} },
      ({ step, target: { database, backups, restoreTest: by } }) => {
        const dump = step(
          'Choose',
          chooseDump({ engine: database.engine, name: database.name, from: backups, file: null }),
        )
        const throwaway = step('Start', startThrowaway({ purpose: 'x', by, dump }))
        const archive = step('Read', readDump({ throwaway, dump }))
        const roles = step('Roles', createRoles({ throwaway, archive }))
        step('Restore', restoreIntoThrowaway({ throwaway, by, archive, roles }))
        step(
          'Restore it over the live one',
          restoreIntoThrowaway({
            // @ts-expect-error
            throwaway: { container: '', image: '', version: '', database },
            by,
            archive,
            roles,
          }),
        )
        // @ts-expect-error
        step('Restore what nobody read', restoreIntoThrowaway({ throwaway, by, archive: dump, roles }))
        step(
          'Make roles on the live one',
          // @ts-expect-error
          createRoles({ throwaway: { container: '', image: '', version: '', database }, archive }),
        )
      },
    )
  })
})

test('a dump has a label that pruning knows', () => {
  const database = {} as Parameters<typeof dumpDatabase>[0]['database']
  dumpDatabase({ database, name: 'shop', folder: '/kept', label: 'replaced' })
  // @ts-expect-error
  dumpDatabase({ database, name: 'shop', folder: '/kept', label: 'mine' })
})
