import type { Clock } from '../kernel/clock.ts'
import type { Json, JsonObject } from '../kernel/json.ts'
import type { Drivers, Views } from '../drivers/drivers.ts'
import type { Progress } from '../drivers/scope.ts'
import type { SecretHandle } from '../drivers/secrets.ts'
import type { Leftover } from '../drivers/leftover.ts'
import type { Preview } from './pending.ts'
import type { Wired } from './ref.ts'

/**
 * What a step may do to the world.
 * `observe` looks; `decide` asks a person; `exercise` acts on something that it removes again (a smoke test, a trial start);
 * `change` alters the target; `destroy` alters it so that something is lost.
 */
export type Effect = 'observe' | 'decide' | 'exercise' | 'change' | 'destroy'

/** The run that a step is part of. */
export interface RunFacts {
  readonly id: string
  readonly runbook: string
  readonly target: string
  readonly startedAt: string
  readonly story: string | null
  readonly reason: string | null
  /** Who started it. */
  readonly by: string
  /** The evidence folder. */
  readonly evidence: string
  /** How the run stands so far, told from the journal. For steps of `lastly`. */
  readonly standing: RunStatus
}

export type RunStatus = JsonObject & {
  readonly outcome: 'running' | 'succeeded' | 'rolled-back' | 'needs-human'
  readonly failure: string | null
  readonly rtoSeconds: number | null
  readonly downtimeSeconds: number | null
  readonly rpoSeconds: number | null
}

interface Moment {
  readonly run: RunFacts
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Shown live, and kept. Nothing depends on it. */
  progress(progress: Progress): void
  /** One line for the operator and the step's log. */
  note(line: string): void
}

/** Eyes, and what is known of the moment. */
export interface Look extends Views, Moment {}
/** Eyes, and a person to ask. */
export interface Ask extends Look {
  readonly people: Drivers['people']
}
/** Eyes and hands. */
export interface Io extends Drivers, Moment {}

/** What a probe found of a step's effect. */
export type ProbeResult<O> =
  | { readonly is: 'absent' }
  | { readonly is: 'done'; readonly output: O }
  | { readonly is: 'torn'; readonly why: string }
  | { readonly is: 'unknown'; readonly why: string }

/** What a step expects of its own run. Parts that cannot be foretold are left out of `output` or stand as `Pending`. */
export interface Prediction<O> {
  readonly output: Partial<Preview<O>> | O | null
  /** What will be different in the world, one sentence each. */
  readonly changes?: readonly string[]
  readonly seconds?: number
  readonly bytes?: number
}

/** A reason not to start, or to think twice. */
export type Finding = JsonObject & {
  readonly level: 'refuse' | 'warn'
  readonly about: string
  readonly problem: string
  readonly hint: string
}

/** A program that must be installed before the run begins. */
export type Need = { readonly program: string; readonly atLeast?: string; readonly why: string }

/** What the output of a step with `duty` tells. */
export type DutyRecord = JsonObject & {
  readonly name: string
  readonly outcome: 'done' | 'skipped'
  readonly by: string
  readonly at: string
  readonly how: string
  readonly text: string
}

interface Described<I extends JsonObject, O extends Json> {
  /** `database.swap`: what it touches and what it does. Journals name it, so it never changes meaning. */
  readonly kind: string
  /**
   * Where something that it has started may live on when the program dies: `processes` of this machine, `containers` (and programs inside
   * them), `sessions` of a database server. Before a run is resumed or rolled back, exactly there is looked for it, so those places must answer
   * then. Left out: everywhere. Declare less for a step that repairs what is down; tests on a `fakeWorld` fail where it declares too little.
   */
  readonly leaves?: readonly Leftover[]
  /** Raised when input, before or output change their meaning. */
  readonly version: number
  /** One sentence for plan, document and graph; pure. */
  describe(input: Preview<I>): string
  needs?(input: Preview<I>): readonly Need[]
  /** Of the secrets that its input names, those that must be there before the run begins. Left out: all of them. */
  secrets?(input: Preview<I>): readonly SecretHandle[]
  /** Looks for every reason not to start; nothing has been touched yet. Values of earlier steps may still be pending. */
  preflight?(look: Look, input: Preview<I>): Promise<readonly Finding[]>
  /**
   * The part of the input by which people address it on the command line, as a duty its name: plain text in small letters, digits and
   * single hyphens, and no other step of the runbook has the same. Checked when the runbook is recorded.
   */
  readonly addressedBy?: Extract<keyof I, string>
  /** Applies where the runbook gives no time of its own. */
  readonly timeoutSeconds?: number
  /** What the measurements of the run take from this step. */
  readonly marks?: Marks<I, O>
  /** What this step was called in earlier versions, each with code that finishes a run that began with it, forward or back. */
  readonly formerly?: readonly AnyStep[]
}

export interface Marks<I, O> {
  /** The service is down from the moment this begins. */
  readonly downFrom?: true
  /** The service is up again once this has ended well. */
  readonly upAfter?: true
  /** As of when the data is, once this output is live: the recovery point. */
  dataAsOf?(output: O, input: I): string
}

interface Observation<I extends JsonObject, O extends Json> extends Described<I, O> {
  readonly effect: 'observe'
  run(look: Look, input: I): Promise<O>
  /** Without it, a dry run simply looks: an observation changes nothing. With it, a dry run foretells instead. */
  predict?(at: { readonly input: Preview<I>; readonly look: Look }): Promise<Prediction<O>>
}

interface Decision<I extends JsonObject, O extends Json> extends Described<I, O> {
  readonly effect: 'decide'
  /**
   * It records the work of a person: shown with the duties in dry runs and reports. Its output has `name`, `outcome` (`done` or `skipped`),
   * `by`, `at`, `how` and `text`.
   */
  readonly duty?: [O] extends [DutyRecord] ? true : never
  run(ask: Ask, input: I): Promise<O>
  predict?(at: { readonly input: Preview<I> }): Prediction<O>
}

interface Exercise<I extends JsonObject, O extends Json> extends Described<I, O> {
  readonly effect: 'exercise'
  predict?(at: { readonly input: Preview<I>; readonly look: Look }): Prediction<O> | Promise<Prediction<O>>
  run(io: Io, input: I): Promise<O>
}

/** An effect with what was seen before it: durable before the effect begins. */
export interface Act<I, B> {
  readonly input: I
  readonly before: B
}

/** What a probe is told. `way`: whether it is asked on the way forward, or whether an undo has (or need not) put everything back. */
export interface Probing<I, B> extends Act<I, B> {
  readonly way: 'forward' | 'back'
}

interface Acting<I extends JsonObject, O extends Json, B extends Json> extends Described<I, O> {
  readonly effect: 'change' | 'destroy'
  /** The look just before acting. What it saw is all that undo may rely on. */
  survey(look: Look, input: I): Promise<B>
  /** `before` is missing where the survey could not be made yet. */
  predict?(at: { readonly input: Preview<I>; readonly before: B | undefined }): Prediction<O>
  run(io: Io, act: Act<I, B>): Promise<O>
  /**
   * Reads from the world whether the effect is there. It says "already done", verifies a run, settles what a crash left in doubt
   * (with the output that the step would have given), and proves that an undo undid (`absent`).
   */
  probe(look: Look, act: Probing<I, B>): Promise<ProbeResult<O>>
  /** A torn effect may simply be run over again, as where each part of it is idempotent. */
  readonly rerunnable?: true
}

/** A changing step says how it is undone, or admits that it cannot be. */
type Reversal<I, O, B> =
  | {
      undo(io: Io, act: Act<I, B> & { readonly output: O | undefined }): Promise<void>
      readonly irreversible?: never
    }
  | { readonly irreversible: string; readonly undo?: never }

export type ActingStep<I extends JsonObject, O extends Json, B extends Json> = Acting<I, O, B> &
  Reversal<I, O, B>

export type Step<I extends JsonObject, O extends Json, B extends Json = null> =
  | Observation<I, O>
  | Decision<I, O>
  | Exercise<I, O>
  | ActingStep<I, O, B>

/**
 * A step whose types the engine no longer needs: it reads them back from the journal as JSON.
 * The `any`s stand for "some JSON" in both directions of a call; nothing outside the engine sees them.
 */
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyStep = Step<any, any, any>

declare const promised: unique symbol

/** A step with its input: what a runbook records. */
export interface Call<out O> {
  readonly step: AnyStep
  readonly input: JsonObject
  readonly [promised]: O
}

/** What `defineStep` returns: called in a runbook with the input, in which any part may be the output of an earlier step. */
export interface StepFunction<I extends JsonObject, O extends Json> {
  (input: { readonly [K in keyof I]: Wired<I[K]> }): Call<O>
  /** The definition, for catalogues and documents. */
  readonly step: AnyStep
}

/**
 * Defines one kind of step. The type arguments are input, output and what the survey saw; all JSON, so that they can be journaled.
 * @returns the function that a runbook calls, with the definition as its property `step`
 */
export function defineStep<I extends JsonObject, O extends Json, B extends Json = null>(
  step: Step<I, O, B>,
): StepFunction<I, O> {
  const call = (input: unknown): Call<O> => ({ step, input }) as unknown as Call<O>
  return Object.assign(call, { step })
}

/** Recognised by its shape, since a team's package may bring a copy of ours. */
export function isStepFunction(value: unknown): value is StepFunction<JsonObject, Json> {
  if (typeof value !== 'function' || !('step' in value)) return false
  const { step } = value
  return typeof step === 'object' && step !== null && 'kind' in step && typeof step.kind === 'string'
}

type Acted = Extract<AnyStep, { readonly effect: 'change' | 'destroy' }>

export const acts = (step: AnyStep): step is Acted => step.effect === 'change' || step.effect === 'destroy'

/** The code for a step of a plan that was opened earlier: the step itself, or what it was called then; undefined where it is neither. */
export const asOpened = (
  step: AnyStep | undefined,
  { kind, version }: Pick<AnyStep, 'kind' | 'version'>,
): AnyStep | undefined =>
  step === undefined
    ? undefined
    : [step, ...(step.formerly ?? [])].find((one) => one.kind === kind && one.version === version)
