import type { Clock } from '../kernel/clock.ts'
import type { Json, JsonObject } from '../kernel/json.ts'
import type { OptionalPackage } from '../kernel/optional-packages.ts'
import type { Drivers, Views } from '../drivers/drivers.ts'
import type { Progress } from '../drivers/scope.ts'
import type { SecretHandle } from '../drivers/secrets.ts'
import type { Stack } from '../drivers/services.ts'
import type { Leftover } from '../drivers/leftover.ts'
import { checkStep } from './definition.ts'
import type { Preview } from './pending.ts'
import type { Wired } from './ref.ts'

/**
 * What a step may do: `observe` only reads; `decide` asks a person; `exercise` acts on something that it
 * removes again (a smoke test, a trial start); `change` alters the target; `destroy` alters it so that
 * something is lost.
 */
export type Effect = 'observe' | 'decide' | 'exercise' | 'change' | 'destroy'

/** Facts about the run that a step is part of. */
export interface RunFacts {
  readonly id: string
  readonly runbook: string
  readonly target: string
  readonly startedAt: string
  readonly story: string | null
  readonly reason: string | null
  /** The person who started it. */
  readonly by: string
  /** Path of the evidence folder. */
  readonly evidence: string
  /** Status of the run so far, computed from the journal. For `lastly` steps. */
  readonly standing: RunStatus
}

/** Facts about the plan that a step is part of, for its preflight. */
export interface PlanFacts {
  /** The stack of the target; null where it has none. */
  readonly stack: Stack | null
  /** Whether an earlier step has an effect. */
  readonly effectBefore: boolean
  /** Title of the last earlier step that may start this service of the stack; null where none does. */
  starterOf(service: string): string | null
}

export type RunStatus = JsonObject & {
  readonly outcome: 'running' | 'succeeded' | 'rolled-back' | 'needs-human'
  readonly failure: string | null
  readonly rtoSeconds: number | null
  readonly downtimeSeconds: number | null
  readonly rpoSeconds: number | null
}

interface StepContext {
  readonly run: RunFacts
  readonly clock: Clock
  readonly signal: AbortSignal
  /** Shown live and recorded. Has no effect on the run. */
  progress(progress: Progress): void
  /** Writes one line for the operator and to the step's log. */
  note(line: string): void
}

/** Read-only drivers and the context of the run. */
export interface Look extends Views, StepContext {}
/** As `Look`, and a person to ask. */
export interface Ask extends Look {
  readonly people: Drivers['people']
}
/** All drivers and the context of the run. */
export interface Io extends Drivers, StepContext {
  /**
   * Reports something outside the step's effect that changed and that no undo takes back, in one sentence. The
   * same sentence counts once. The run then never ends with the statement that no changes remain.
   */
  remains(what: Remaining): void
}

/** What remains, in one sentence; `kept`: it is only data that was put aside, which is no reason for alarm. */
export type Remaining = string | { readonly kept: string }

/** What a probe found: the effect is absent, done, partly there (`torn`) or cannot be determined. */
export type ProbeResult<O> =
  | { readonly is: 'absent' }
  | { readonly is: 'done'; readonly output: O }
  | { readonly is: 'torn'; readonly why: string }
  | { readonly is: 'unknown'; readonly why: string }

/** What a step expects of its run. Parts that cannot be predicted are left out of `output` or `Pending`. */
export interface Prediction<O> {
  readonly output: Partial<Preview<O>> | O | null
  /** What will change, one sentence each. */
  readonly changes?: readonly string[]
  readonly seconds?: number
  readonly bytes?: number
}

/** A reason to refuse the run, or a warning. */
export type Finding = JsonObject & {
  readonly level: 'refuse' | 'warn'
  readonly about: string
  readonly problem: string
  readonly hint: string
  /** Id of a step after which it is looked for again: it could not be looked for before. */
  readonly after?: string
  /** All that is missing is an answer, which a run can be given: a warning in a dry run. */
  readonly answerable?: true
}

/** A program, or an npm package of `optionalPackages`, that must be installed before the run starts. */
export type Need =
  | { readonly program: string; readonly atLeast?: string; readonly why: string }
  | { readonly package: OptionalPackage; readonly why: string }

/** Output of a step with `duty`. `at` is ISO 8601. */
export type DutyRecord = JsonObject & {
  readonly name: string
  readonly outcome: 'done' | 'skipped'
  readonly by: string
  readonly at: string
  readonly how: string
  readonly text: string
}

/**
 * The definitions below infer the output from `run` alone, and the result of the survey from `survey` alone: `NoInfer`
 * makes every other use a check, so that a mistake is reported where it is.
 */
interface Described<I extends JsonObject, O extends Json> {
  /** Object and action, as `database.swap`. Recorded in journals, so its meaning must never change. */
  readonly kind: string
  /**
   * Where something it started may outlive the program: `processes` of this machine, `containers` (and
   * programs inside them), `sessions` of a database server. These places are searched before a resume or
   * rollback, so they must answer then. Default: everywhere. Declare less for a step that repairs what is
   * down; tests on a `fakeWorld` fail if it declares too little.
   */
  readonly leaves?: readonly Leftover[]
  /** Must be raised when the meaning of input, before or output changes. */
  readonly version: number
  /** One sentence for the plan, the document and the graph. Pure; inputs may be pending. */
  describe(input: Preview<I>): string
  needs?(input: Preview<I>): readonly Need[]
  /** The secrets named in its input that must be available before the run starts. Default: all of them. */
  secrets?(input: Preview<I>): readonly SecretHandle[]
  /** Finds every reason not to start, before anything is changed. Outputs of earlier steps may be pending. */
  preflight?(look: Look, input: Preview<I>, plan: PlanFacts): Promise<readonly Finding[]>
  /**
   * What this step brings up where it is down, as errors name it in `down`, such as `shop/db`: a service of a Compose
   * stack. What preflight asks of it for later steps is then asked again when this step has succeeded. Pure.
   */
  brings?(input: Preview<I>): readonly string[]
  /**
   * Input property that names the step on the command line, as the name of a duty does: lowercase letters,
   * digits and single hyphens, unique in the runbook. Checked when the runbook is recorded.
   */
  readonly addressedBy?: Extract<keyof NoInfer<I>, string>
  /** Used unless the runbook sets its own. Default: 8 h for `decide`, else 1 h. */
  readonly timeoutSeconds?: number
  /** What this step contributes to the measurements of the run. */
  readonly marks?: Marks<NoInfer<I>, NoInfer<O>>
  /** Its kinds in earlier versions, each with code to finish or roll back a run that was started with it. */
  readonly formerly?: readonly AnyStep[]
}

export interface Marks<I, O> {
  /** The service is down from the start of this step. */
  readonly downFrom?: true
  /** The service is up again when this step succeeds. */
  readonly upAfter?: true
  /** The recovery point: time as of which the data is once this output is live. ISO 8601. */
  dataAsOf?(output: O, input: I): string
  /** The rows of each table before and after this step, for the report. */
  rows?(output: O, input: I): RowsBeforeAndAfter | null
}

/** Rows of each table of the data that a step exchanged; counted, not estimated. */
export type RowsBeforeAndAfter = JsonObject & {
  readonly before: readonly { readonly table: string; readonly rows: number }[]
  readonly after: readonly { readonly table: string; readonly rows: number }[]
}

export interface Observation<I extends JsonObject, O extends Json> extends Described<I, O> {
  readonly effect: 'observe'
  run(look: Look, input: I): Promise<O>
  /** Fields of the output that change while the system is in use: a dry run shows them, but predicts nothing of them. */
  readonly volatile?: readonly Extract<keyof NoInfer<O>, string>[]
  /** What it sees changes by itself: a process that resumes the run looks again before it asks a person about it. */
  readonly lookAgain?: true
  /**
   * Whether what it saw is still so. Asked right before the first step that takes the service down, where a step to come
   * relies on it, so that a refusal costs no downtime; that step asks again itself.
   * @throws RunbookError `failed` or `verification` where somebody changed it since
   */
  stillHolds?(look: Look, seen: { readonly input: I; readonly output: NoInfer<O> }): Promise<void>
  /** If missing, a dry run calls `run`, since an observation changes nothing. */
  predict?(at: { readonly input: Preview<I>; readonly look: Look }): Promise<Prediction<NoInfer<O>>>
}

interface Decision<I extends JsonObject, O extends Json> extends Described<I, O> {
  readonly effect: 'decide'
  /** It records a person's work: listed with the duties in dry runs and reports. Output: see `DutyRecord`. */
  readonly duty?: [O] extends [DutyRecord] ? true : never
  run(ask: Ask, input: I): Promise<O>
  predict?(at: { readonly input: Preview<I> }): Prediction<NoInfer<O>>
}

export interface Exercise<I extends JsonObject, O extends Json> extends Described<I, O> {
  readonly effect: 'exercise'
  predict?(at: {
    readonly input: Preview<I>
    readonly look: Look
  }): Prediction<NoInfer<O>> | Promise<Prediction<NoInfer<O>>>
  run(io: Io, input: I): Promise<O>
  /**
   * For one whose output is a proof: whether it is still true. Asked before a resume goes on, and right before the first
   * step that takes the service down, while a step that takes the output has not begun; such a step asks again itself
   * before its effect.
   * @throws RunbookError `verification` where somebody changed it since; a resume goes on after any other error
   */
  stillHolds?(look: Look, proof: { readonly input: I; readonly output: NoInfer<O> }): Promise<void>
}

/** Input and survey of an effect; both are journaled durably before the effect starts. */
export interface Act<I, B> {
  readonly input: I
  readonly before: B
}

/** What an undo gets: all that the journal has. `output` is undefined where the step did not end. */
export interface UndoAct<I, B, O> extends Act<I, B> {
  readonly output: O | undefined
}

/** Something that an undo relies on and that somebody else may have replaced. */
export interface UndoGuard {
  /** What it looks at, each as JSON: equal values are the same thing. */
  readonly of: readonly Json[]
  /** @throws RunbookError `in-doubt` where the undo must not touch it; says what is there and what a person should decide */
  check(look: Look, way: Way): Promise<void>
}

/** `forward`, where a resume relies on it and goes on; `back`, where an undo is about to touch it. */
type Way = 'forward' | 'back'

/** Argument of a probe. `way`: `forward`, or `back` to check whether everything is as before the step. */
export interface Probing<I, B, O = Json> extends Act<I, B> {
  readonly way: 'forward' | 'back'
  /** What it returned, where it ended; only on the way back. */
  readonly output?: O | undefined
}

interface Acting<I extends JsonObject, O extends Json, B extends Json> extends Described<I, O> {
  readonly effect: 'change' | 'destroy'
  /** Nobody has written yet how it is undone: it is planned, and its preflight refuses every run. */
  readonly draft?: true
  /** Reads the state just before acting. Its result is all that undo may rely on. */
  survey(look: Look, input: I): Promise<B>
  /** `before` is undefined if the survey is not possible yet. */
  predict?(at: {
    readonly input: Preview<I>
    readonly before: NoInfer<B> | undefined
  }): Prediction<NoInfer<O>>
  run(io: Io, act: Act<I, NoInfer<B>>): Promise<O>
  /**
   * Reads whether the effect is there. Detects "already done", verifies a run, settles what a crash left in
   * doubt (with the output that `run` would have returned), and proves that an undo worked (`absent`).
   */
  probe(look: Look, act: Probing<I, NoInfer<B>, NoInfer<O>>): Promise<ProbeResult<NoInfer<O>>>
  /**
   * Lists what must be as this run left it for the undo to go on. Pure. Checked right before every undo, and before the
   * first undo of a rollback also for all others, while nothing is undone yet; of things that the undo of a newer step
   * touches too, only that step's. `[]`: its undo touches nothing that a guard looks at. If missing, what it touches
   * is unknown, so nothing is checked early for the steps before it.
   */
  undoGuards?(act: UndoAct<I, NoInfer<B>, NoInfer<O>>): readonly UndoGuard[]
  /**
   * What it changes besides the databases and services in its input, and what has the ID of the run in its name: paths
   * of files and folders. Pure; null where it depends on an input that is pending. Where every changing step of a run
   * says it, runs on other databases of the same stack need not wait for the run. If missing, what the step changes is
   * unknown, and they wait.
   */
  alsoChanges?(input: Preview<I>): readonly string[] | null
  /** A torn effect may be run again, because each part of it is idempotent. */
  readonly rerunnable?: true
  /**
   * What the undo leaves behind on purpose, such as data that was written meanwhile: one sentence each, recorded
   * like those of `io.remains`. Called after every undo, also where its effect was found absent, so that a kill
   * between the undo and its record loses nothing.
   */
  remains?(look: Look, act: UndoAct<I, NoInfer<B>, NoInfer<O>>): Promise<readonly Remaining[]>
  /**
   * What `run` reported with `io.remains`: one sentence each. A kill loses what a step reported before it ended, so it is
   * asked where a resume finds the effect done.
   */
  remainsAgain?(look: Look, act: UndoAct<I, NoInfer<B>, NoInfer<O>>): Promise<readonly Remaining[]>
  /**
   * Releases what proves the undo, such as a database that is closed to sessions until then. Called once it is
   * recorded that the probe found the effect absent, which the probe need not be able to see afterwards. Idempotent: it
   * is called again after a kill.
   */
  afterUndo?(io: Io, act: UndoAct<I, NoInfer<B>, NoInfer<O>>): Promise<void>
}

/** A changing step has an undo, or the reason why it cannot be undone. */
type Reversal<I, O, B> =
  | {
      undo(io: Io, act: UndoAct<I, NoInfer<B>, NoInfer<O>>): Promise<void>
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
 * A step of any types, for the engine, which reads its values from the journal as JSON.
 * Each `any` means "some JSON", as argument and as result.
 */
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyStep = Step<any, any, any>

declare const promised: unique symbol

/** A step with its input, as a runbook records it. */
export interface Call<out O> {
  readonly step: AnyStep
  readonly input: JsonObject
  readonly [promised]: O
}

/** Result of `defineStep`: called in a runbook with the input, parts of which may be refs. */
export interface StepFunction<I extends JsonObject, O extends Json> {
  (input: { readonly [K in keyof I]: Wired<I[K]> }): Call<O>
  /** The definition of the step. */
  readonly step: AnyStep
}

/**
 * Defines a kind of step, inferred: `defineStep<Input>()({ … })`. The output is what `run` returns, the survey's result
 * what `survey` returns; list `survey` before the functions that use its result. Input, output and result are JSON,
 * to be journaled.
 * @returns takes the definition, and returns the function that a runbook calls
 * @throws RunbookError `usage`, from the second call, if a field is missing or has the wrong type
 */
export function defineStep<I extends JsonObject>(): <O extends Json, B extends Json = null>(
  step: Step<I, O, B>,
) => StepFunction<I, O>
/**
 * Defines a kind of step. Type arguments: input, output and result of the survey; all JSON, to be journaled. Without
 * them, output and survey are inferred, and the input from the first function that types it, such as
 * `describe: ({ file }: Preview<Input>) => …`.
 * @returns the function that a runbook calls, with the definition as its property `step`
 * @throws RunbookError `usage` if a field is missing or has the wrong type
 */
export function defineStep<I extends JsonObject, O extends Json, B extends Json = null>(
  step: Step<I, O, B>,
): StepFunction<I, O>
export function defineStep(...given: readonly AnyStep[]): unknown {
  return given.length === 0 ? defined : defined(given[0])
}

function defined(step: unknown): StepFunction<JsonObject, Json> {
  checkStep(step)
  const call = (input: unknown): Call<Json> => ({ step, input }) as unknown as Call<Json>
  return Object.assign(call, { step: step as AnyStep })
}

/** Checks the shape, since a team's package may bring its own copy of this one. */
export function isStepFunction(value: unknown): value is StepFunction<JsonObject, Json> {
  if (typeof value !== 'function' || !('step' in value)) return false
  const { step } = value
  return typeof step === 'object' && step !== null && 'kind' in step && typeof step.kind === 'string'
}

type Acted = Extract<AnyStep, { readonly effect: 'change' | 'destroy' }>

export const acts = (step: AnyStep): step is Acted => step.effect === 'change' || step.effect === 'destroy'

/** The code for a planned step of an open run: the step or one of its former kinds; else undefined. */
export const asOpened = (
  step: AnyStep | undefined,
  { kind, version }: Pick<AnyStep, 'kind' | 'version'>,
): AnyStep | undefined =>
  step === undefined
    ? undefined
    : [step, ...(step.formerly ?? [])].find((one) => one.kind === kind && one.version === version)
