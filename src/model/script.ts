import type { Json, JsonObject } from '../kernel/json.ts'
import { RunbookError } from '../kernel/errors.ts'
import type { Preview } from './pending.ts'
import { hold } from '../scripts/at-work.ts'
import type { Shell } from '../scripts/dollar.ts'
import type { ScriptPlace, ScriptShell } from '../scripts/shell.ts'
import {
  defineStep,
  type Act,
  type ActingStep,
  type Exercise,
  type Io,
  type Look,
  type Observation,
  type PlanFacts,
  type ProbeResult,
  type Probing,
  type Step,
  type StepFunction,
} from './step.ts'

/** zx's `$` in a place that may act. `$.look` is for commands that change nothing. */
export type ActingScript = Shell & LookingScript

/** What survey and probe get: commands that their author has marked as looking. */
export type LookingScript = { readonly look: Shell }

interface Placed<I extends JsonObject> {
  /** Where its commands run: an absolute folder; variables; secrets, each by the variable that it is passed in. */
  place(input: I): { readonly directory: string } & Partial<ScriptPlace>
}

/** Changes nothing, so it has neither probe nor undo, and a dry run runs it. */
type ObservingScript<I extends JsonObject, O extends Json> = Omit<Observation<I, O>, 'run'> &
  Placed<I> & {
    run(at: { readonly $: LookingScript; readonly look: Look; readonly input: I }): Promise<O>
  }

/** Removes again what it does, as a smoke test; neither probed nor undone, and run again after a crash. */
type ExercisingScript<I extends JsonObject, O extends Json> = Omit<Exercise<I, O>, 'run'> &
  Placed<I> & {
    run(at: { readonly $: ActingScript; readonly io: Io; readonly input: I }): Promise<O>
  }

type Shared<I extends JsonObject, O extends Json, B extends Json> = Omit<
  ActingStep<I, O, B>,
  'effect' | 'draft' | 'survey' | 'run' | 'probe' | 'undo' | 'irreversible' | 'rerunnable'
> &
  Placed<I> & {
    /** Default: `change`. */
    readonly effect?: 'change' | 'destroy'
    /** Reads the state just before acting. All that undo may rely on. Default: null. */
    survey?(at: { readonly $: LookingScript; readonly look: Look; readonly input: I }): Promise<B>
    run(at: Act<I, NoInfer<B>> & { readonly $: ActingScript; readonly io: Io }): Promise<O>
  }

/** Nobody has written yet how its effect is seen and undone: it is planned, and refused before a run begins. */
type Draft = {
  readonly draft: true
  readonly probe?: never
  readonly undo?: never
  readonly irreversible?: never
}

type Proven<I extends JsonObject, O extends Json, B extends Json> = {
  readonly draft?: never
  /** Whether the effect is there, as in every step. */
  probe(
    at: Probing<I, NoInfer<B>> & { readonly $: LookingScript; readonly look: Look },
  ): Promise<ProbeResult<NoInfer<O>>>
} & (
  | {
      undo(
        at: Act<I, NoInfer<B>> & {
          readonly $: ActingScript
          readonly io: Io
          readonly output: NoInfer<O> | undefined
        },
      ): Promise<void>
      readonly irreversible?: never
    }
  | { readonly irreversible: string; readonly undo?: never }
)

type ChangingScript<I extends JsonObject, O extends Json, B extends Json> = Shared<I, O, B> &
  (Draft | Proven<I, O, B>)

export type ScriptStep<I extends JsonObject, O extends Json, B extends Json> =
  | ChangingScript<I, O, B>
  | ObservingScript<I, O>
  | ExercisingScript<I, O>

/**
 * Defines a step that runs command lines in bash, for what is only a command so far. It has the contract of every step of
 * its effect, which is `change` unless it says otherwise. Values in a command are quoted; a command that fails fails the step; what `$` prints is in its log,
 * with secrets masked. At most 1 MiB of it is kept for the script. Commands read nothing unless something is piped in.
 * Survey, probe and dry run get `$.look` only.
 * @throws RunbookError `usage` if a field is missing or has the wrong type
 */
export function defineScript<I extends JsonObject, O extends Json, B extends Json = null>(
  script: ScriptStep<I, O, B>,
): StepFunction<I, O> {
  const { place } = script
  if (typeof place !== 'function')
    throw new RunbookError('usage', `the step ${script.kind} has no place`, {
      hint: 'say where its commands run: place: ({ folder }) => ({ directory: folder })',
    })
  const shells = shellsIn((input: I) => ({ environment: {}, secrets: {}, ...place(input) }))
  if (script.effect === 'observe' || script.effect === 'exercise') return withoutUndo(script, shells)
  return changing(script, shells)
}

type Shells<I> = {
  looking<T>(look: Look, input: I, body: ($: LookingScript) => Promise<T>): Promise<T>
  acting<T>(io: Io, input: I, body: ($: ActingScript) => Promise<T>): Promise<T>
}

const shellsIn = <I>(placeOf: (input: I) => ScriptPlace): Shells<I> => ({
  async looking(look, input, body) {
    const { scriptShell } = await loaded()
    const shell = scriptShell(placeOf(input), (line) => look.commands.looking(line))
    return settled([shell], look.signal, () => body(Object.assign(() => refuse(), { look: shell.$ })))
  },
  async acting(io, input, body) {
    const { scriptShell } = await loaded()
    const act = scriptShell(placeOf(input), (line) => io.commands.script(line))
    const shell = scriptShell(placeOf(input), (line) => io.commands.looking(line))
    return settled([act, shell], io.signal, () => body(Object.assign(act.$, { look: shell.$ })))
  },
})

const bash = { program: 'bash', why: 'it runs a script' }

function withoutUndo<I extends JsonObject, O extends Json>(
  script: ObservingScript<I, O> | ExercisingScript<I, O>,
  { looking, acting }: Shells<I>,
): StepFunction<I, O> {
  const { place, ...shared } = script
  const step = {
    leaves: ['processes'],
    ...shared,
    needs: (input: Preview<I>) => [bash, ...(script.needs?.(input) ?? [])],
    run:
      script.effect === 'observe'
        ? (look: Look, input: I) => looking(look, input, ($) => script.run({ $, look, input }))
        : (io: Io, input: I) => acting(io, input, ($) => script.run({ $, io, input })),
    body: { place, run: script.run },
  }
  return defineStep<I, O>(step as unknown as Step<I, O>)
}

function changing<I extends JsonObject, O extends Json, B extends Json>(
  script: ChangingScript<I, O, B>,
  { looking, acting }: Shells<I>,
): StepFunction<I, O> {
  const { place, survey, run, effect = 'change', draft, probe, undo, irreversible, ...shared } = script
  if (draft !== true && typeof probe !== 'function')
    throw new RunbookError('usage', `the step ${shared.kind} has no probe`, {
      hint: 'write probe as a function, or draft: true until you know how its effect is seen',
    })
  const reversal =
    draft === true || undo !== undefined
      ? {
          undo: async (io: Io, act: Act<I, B> & { readonly output: O | undefined }) => {
            if (undo === undefined) throw unwritten(script.kind)
            await acting(io, act.input, ($) => undo({ ...act, $, io }))
          },
        }
      : { irreversible }
  const step = {
    leaves: ['processes'],
    ...shared,
    ...(draft === true
      ? { draft, describe: (input: Preview<I>) => `${shared.describe(input)} ${asDraft}` }
      : {}),
    effect,
    needs: (input: Preview<I>) => [bash, ...(shared.needs?.(input) ?? [])],
    preflight: async (look: Look, input: Preview<I>, plan: PlanFacts) => [
      ...(draft === true ? [draftFinding(script.kind)] : []),
      ...((await shared.preflight?.(look, input, plan)) ?? []),
    ],
    survey: async (look: Look, input: I) =>
      survey === undefined ? (null as B) : looking(look, input, ($) => survey({ $, look, input })),
    run: (io: Io, act: Act<I, B>) => acting(io, act.input, ($) => run({ ...act, $, io })),
    probe: async (look: Look, act: Probing<I, B>) =>
      probe === undefined
        ? { is: 'unknown', why: unwritten(script.kind).message }
        : looking(look, act.input, ($) => probe({ ...act, $, look })),
    ...reversal,
    // The functions above are the same for every script: these are what a resume compares with the plan.
    body: { place, survey, run, probe, undo },
  }
  return defineStep<I, O, B>(step as unknown as ActingStep<I, O, B>)
}

const asDraft = 'A draft: runs are refused until somebody has written how its effect is seen and undone.'

/** zx is loaded by the first script that runs. */
async function loaded() {
  const release = hold()
  try {
    return await import('../scripts/shell.ts')
  } finally {
    release()
  }
}

/** `$` in survey and probe, for code that no compiler has checked. */
const refuse = (): never => {
  throw new RunbookError('usage', 'survey and probe of a script step may run only commands that look', {
    hint: 'write $.look`…` for a command that changes nothing; move one that changes something to run',
  })
}

/** What the engine has to see comes before what a script made of it. */
async function settled<T>(
  shells: readonly ScriptShell[],
  signal: AbortSignal,
  body: () => Promise<T>,
): Promise<T> {
  const raised = (thrown: unknown): unknown => {
    const lost = shells.map((shell) => shell.lost()).find((one) => one !== undefined)
    if (lost !== undefined) return lost.reason
    return signal.aborted ? signal.reason : thrown
  }
  let value: T
  try {
    value = await body()
  } catch (thrown) {
    const { failureOfScript } = await loaded()
    throw failureOfScript(raised(thrown))
  }
  const hidden = raised(undefined)
  if (hidden !== undefined) throw hidden
  return value
}

const unwritten = (kind: string): RunbookError =>
  new RunbookError('failed', `nobody has written how the effect of ${kind} is seen and undone`, {
    hint: `write probe and undo of ${kind}, and remove draft: true`,
  })

const draftFinding = (kind: string) => ({
  level: 'refuse' as const,
  about: kind,
  // Names the step: of equal problems only one is shown.
  problem: `nobody has written how the effect of ${kind} is seen and undone, so a run could neither verify nor roll it back`,
  hint: `write probe and undo of ${kind}, and remove draft: true`,
})
