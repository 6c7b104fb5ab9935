import type { Json, JsonObject } from '../../src/kernel/json.ts'
import { RunbookError } from '../../src/kernel/errors.ts'
import type { AnyParam } from '../../src/model/param.ts'
import type { Ref } from '../../src/model/ref.ts'
import { runbook, type Runbook, type Script } from '../../src/model/runbook.ts'
import { defineStep, type ActingStep, type Look, type Step } from '../../src/model/step.ts'
import type { Section, Target } from '../../src/model/target.ts'
import type { Runtime } from '../../src/run/start.ts'
import type { Entry } from '../../src/run/journal/entry.ts'
import { fakeMachine, fakeWorld, lay, type FakeMachine, type FakeWorld } from '../../src/testing/index.ts'

export const target = {
  name: 'bench',
  title: 'Bench',
  objectives: { rtoSeconds: null, rpoSeconds: null },
  settings: {},
} as unknown as Target

type Put = { readonly path: string; readonly text: string }
type Before = { readonly was: string | null }
type PutStep = ActingStep<Put, Put, Before>

const decoder = new TextDecoder()
export const textOf = (world: FakeWorld, path: string): string | null => {
  const body = world.disk.files.get(path)
  return body === undefined ? null : decoder.decode(body)
}

async function read(look: Pick<Look, 'files'>, path: string): Promise<string | null> {
  return (await look.files.stat(path)) === null ? null : decoder.decode(await look.files.read(path, 1e6))
}

export const putting: PutStep = {
  kind: 'bench.put',
  version: 1,
  effect: 'change',
  describe: ({ path }) => `Writes ${JSON.stringify(path)}.`,
  survey: async (look, { path }) => ({ was: await read(look, path) }),
  predict: ({ input }) => ({ output: input as Put }),
  run: async (io, { input }) => {
    await io.files.write(input.path, input.text)
    return input
  },
  probe: async (look, { input, before: { was } }) => {
    const now = await read(look, input.path)
    if (now === input.text) return { is: 'done', output: input }
    return now === was ? { is: 'absent' } : { is: 'torn', why: `${input.path} says ${now}` }
  },
  undo: async (io, { input: { path }, before: { was } }) => {
    if (was === null) await io.files.removeTree(path)
    else await io.files.write(path, was)
  },
}

/** Writes a file; parts of it can be made to misbehave. */
export const put = (path: string, text: string | Ref<string>, other: Partial<PutStep> = {}) =>
  defineStep<Put, Put, Before>({ ...putting, ...other } as PutStep)({ path, text })

type Looking = Extract<Step<JsonObject, Json>, { readonly effect: 'observe' }>
/** Looks, in whatever way it is told. */
export const look = (
  run: Looking['run'],
  other: Partial<Looking> = {},
  input: { readonly [key: string]: Json | Ref<Json> } = {},
) =>
  defineStep<JsonObject, Json>({
    kind: 'bench.look',
    version: 1,
    effect: 'observe',
    describe: () => 'Looks.',
    run,
    ...other,
  })(input as JsonObject)

export type Loose = Script<{ readonly [name: string]: AnyParam }, Section>

/** Looks first, and writes what it saw: the text of "One" is not known until then. */
export function putSeen({ step }: Pick<Loose, 'step'>, other: Partial<PutStep>): void {
  const seen = step(
    'Look first',
    look(async () => ({ text: 'new' })),
  )
  step('One', put('/a', (seen as unknown as { text: never }).text, other))
}

export const bookOf = (
  record: (script: Loose) => void,
  params: { readonly [name: string]: AnyParam } = {},
): Runbook =>
  runbook(
    'bench',
    { title: 'Bench', when: 'Never.', needs: [], params },
    record as unknown as (script: unknown) => void,
  )

export type Bench = { readonly world: FakeWorld; readonly machine: FakeMachine }

/** A machine on a disk with the files `/a` to `/d`, which all say `old`. */
export function bench(
  record: (script: Loose) => void,
  more: {
    readonly params?: { readonly [name: string]: AnyParam }
    readonly around?: Partial<Runtime>
    readonly world?: FakeWorld
  } = {},
): Bench {
  const world = more.world ?? fakeWorld()
  for (const path of ['/a', '/b', '/c', '/d']) if (!world.disk.files.has(path)) lay(world.disk, path, 'old')
  return {
    world,
    machine: fakeMachine(world, {
      book: bookOf(record, more.params),
      target,
      ...(more.around === undefined ? {} : { around: more.around }),
    }),
  }
}

export const fail = (
  message: string,
  code: ConstructorParameters<typeof RunbookError>[0] = 'failed',
): never => {
  throw new RunbookError(code, message)
}

/** The journal in short: `intent first 1`, `ended first done`. */
export function told({ entries }: FakeMachine): readonly string[] {
  return entries.map(({ entry }) => line(entry))
}

function line(entry: Entry): string {
  switch (entry.type) {
    case 'intent':
    case 'undo-intent':
      return `${entry.type} ${entry.step} ${entry.attempt}`
    case 'ended':
    case 'undo-ended':
      return `${entry.type} ${entry.step} ${entry.result}${entry.again === true ? ' again' : ''}`
    case 'settled':
      return `settled ${entry.outcome}`
    case 'foretold':
    case 'skipped':
    case 'spawned':
      return `${entry.type} ${entry.step}`
    default:
      return entry.type
  }
}

export const ended = (machine: FakeMachine, step: string): Extract<Entry, { type: 'ended' }> | undefined =>
  machine.entries
    .flatMap(({ entry }) => (entry.type === 'ended' && entry.step === step ? [entry] : []))
    .at(-1)
