import type { Child } from '../../drivers/scope.ts'
import type { Failure } from '../../kernel/errors.ts'
import type { Json, JsonObject } from '../../kernel/json.ts'
import type { Finding } from '../../model/step.ts'
import type { Plan } from '../../model/plan.ts'

/** The process that carries a run: enough to tell a dead holder from a living one. */
export type ProcessIdentity = {
  readonly by: string
  readonly host: string
  readonly pid: number
  /** Of the process, in clock ticks since boot; with the boot id it survives the reuse of pids. */
  readonly startTime: number | null
  readonly bootId: string | null
}

export type Holder = JsonObject & ProcessIdentity & { readonly run: string; readonly since: string }

export type Opened = JsonObject & {
  readonly type: 'opened'
  readonly mode: 'run' | 'dry-run'
  readonly plan: Plan
  readonly by: string
  readonly host: string
  readonly story: string | null
  readonly reason: string | null
  readonly evidence: string
  /** The newest dry run of this very plan, whose predictions can be compared with what happened; left out where there was none. */
  readonly foretoldBy?: string
  readonly engine: string
  readonly node: string
}

/** How sure a prediction is of its words: `null` where the step foretells nothing. */
export type StoredPrediction = JsonObject & {
  readonly output: Json
  readonly changes: readonly string[]
  readonly seconds: number | null
  readonly bytes: number | null
}

export type Entry =
  | Opened
  | (JsonObject & {
      readonly type: 'preflighted'
      readonly findings: readonly Finding[]
      readonly warnings: number
      readonly refusals: number
    })
  /** What a dry run saw and foretold of one step. */
  | (JsonObject & {
      readonly type: 'foretold'
      readonly step: string
      /** Its sentence, with whatever was known by then. */
      readonly says: string
      /** What it noted while it looked. */
      readonly notes: readonly string[]
      readonly looked: boolean
      readonly before: Json
      readonly prediction: StoredPrediction | null
      readonly unknown: string | null
    })
  /** Durable before the first effect of the attempt. */
  | (JsonObject & {
      readonly type: 'intent'
      readonly step: string
      readonly attempt: number
      readonly input: JsonObject
      readonly before: Json
      readonly prediction: StoredPrediction | null
    })
  | (JsonObject & { readonly type: 'spawned'; readonly step: string; readonly child: Child })
  | StepEnded
  | (JsonObject & { readonly type: 'skipped'; readonly step: string; readonly because: string })
  /** The run has turned round: from here on it only undoes. Never taken back. */
  | (JsonObject & { readonly type: 'turned'; readonly because: string; readonly failure: Failure | null })
  | (JsonObject & { readonly type: 'undo-intent'; readonly step: string; readonly attempt: number })
  | UndoEnded
  | (JsonObject & { readonly type: 'pivoted'; readonly because: string })
  | (JsonObject & { readonly type: 'interrupted'; readonly signal: string })
  | (JsonObject & {
      readonly type: 'resumed'
      readonly way: 'forward' | 'back'
      readonly by: string
      readonly host: string
      readonly orphans: readonly JsonObject[]
      /** The difference to the plan as opened that a person accepted; null where nothing had changed. */
      readonly accepted: string | null
    })
  | (JsonObject & { readonly type: 'settled'; readonly outcome: Outcome; readonly failure: Failure | null })
  /** A person closes a run that the program could not settle. */
  | (JsonObject & { readonly type: 'released'; readonly by: string; readonly reason: string })
  | (JsonObject & { readonly type: 'sealed'; readonly folder: string; readonly digest: string })

export type StepEnded = JsonObject & {
  readonly type: 'ended'
  readonly step: string
  readonly attempt: number
  /** `already`: the probe found the effect there before anything was done. `recovered`: a crash came between effect and outcome. */
  readonly result: 'done' | 'already' | 'recovered' | 'failed' | 'timeout'
  readonly output: Json
  readonly failure: Failure | null
  /** Another attempt follows, so this failure is not the step's. */
  readonly again?: true
  /** As of when the data is that this step brought: the recovery point. Null or left out where it brought none. */
  readonly dataAsOf?: string | null
  /** By the monotonic clock; null where the attempt began in another process. */
  readonly milliseconds: number | null
  readonly log: LogFile | null
}

export type UndoEnded = JsonObject & {
  readonly type: 'undo-ended'
  readonly step: string
  readonly attempt: number
  /** `absent`: the probe found no effect, so nothing was done. */
  readonly result: 'undone' | 'absent' | 'failed'
  readonly failure: Failure | null
  /** Another try follows. */
  readonly again?: true
  readonly milliseconds: number | null
  readonly log: LogFile | null
}

/** As it lay in the evidence folder when the attempt ended. Later attempts only add to it. */
export type LogFile = JsonObject & {
  readonly file: string
  readonly bytes: number
  readonly sha256: string
  /** Of all output of this attempt, where its middle was left out of the file. */
  readonly whole?: { readonly bytes: number; readonly sha256: string }
  /** Why the file does not hold what it should, as with a full disk. The step's outcome does not hang on its log. */
  readonly problem?: string
}

/** `refused`: preflight found a reason not to start, and nothing was touched. `foretold`: a dry run came to its end. */
export type Outcome = 'succeeded' | 'rolled-back' | 'needs-human' | 'refused' | 'foretold'

/** An entry as it is kept: numbered, dated, and chained to the one before it. */
export type Stored = JsonObject & {
  readonly run: string
  readonly seq: number
  /** Of the hold on the target under which it was written; grows with each hold. */
  readonly epoch: number
  readonly at: string
  readonly previous: string
  readonly hash: string
  readonly entry: Entry
}

/** Of every first entry of a run. */
export const genesisHash = '0'.repeat(64)
