import type { Leftover } from '../../drivers/leftover.ts'
import type { Child } from '../../drivers/scope.ts'
import type { Failure } from '../../kernel/errors.ts'
import type { Json, JsonObject } from '../../kernel/json.ts'
import type { Finding, RowsBeforeAndAfter } from '../../model/step.ts'
import type { Plan } from '../../model/plan.ts'
import type { Provenance, UsedImage } from './provenance.ts'

/** Identifies the process of a run, so that a dead holder can be told from a live one. */
export type ProcessIdentity = {
  readonly by: string
  readonly host: string
  readonly pid: number
  /** Clock ticks since boot; with the boot id it identifies the process even if its pid is reused. */
  readonly startTime: number | null
  readonly bootId: string | null
}

export type Holder = JsonObject &
  ProcessIdentity & {
    readonly run: string
    readonly since: string
    /** A start that holds the system only until its first entry is written. */
    readonly opening?: true
  }

/** A part of the system that the run locked where it lives. */
export type LockRecord = JsonObject & {
  readonly what: string
  /** Why it could not be locked, so that others were not excluded there; null where it was locked. */
  readonly missing: string | null
}

export type Opened = JsonObject & {
  readonly type: 'opened'
  readonly mode: 'run' | 'dry-run'
  readonly plan: Plan
  readonly by: string
  readonly host: string
  readonly story: string | null
  readonly reason: string | null
  readonly evidence: string
  /** The newest dry run of the same plan, to compare predictions with outcomes; missing if there is none. */
  readonly foretoldBy?: string
  /** Missing in older journals, and in runs that only look. */
  readonly locks?: readonly LockRecord[]
  /**
   * Digests of what it changes, where it excludes other runs of its system from nothing else. Missing in older journals
   * and in all other runs: it excludes every run of its system.
   */
  readonly excludes?: readonly string[]
  readonly engine: string
  readonly node: string
  /** Names of the secrets that were masked from the beginning. Missing in older journals: none is known. */
  readonly masked?: readonly string[]
  /** Its runbook makes room, so it may begin on a full disk; missing for all others. */
  readonly makesRoom?: true
}

/** A prediction as journaled; `null` for what the step does not predict. */
export type StoredPrediction = JsonObject & {
  readonly output: Json
  readonly changes: readonly string[]
  readonly seconds: number | null
  readonly bytes: number | null
}

/** What an earlier run measured; null where it could not be measured. */
export type EarlierRun = JsonObject & {
  readonly run: string
  readonly startedAt: string
  readonly outcome: Outcome
  readonly rtoSeconds: number | null
  readonly downtimeSeconds: number | null
  readonly rpoSeconds: number | null
}

/** What past runs said, at the start of a run, about the time until the service is up, or until its end. */
export type StoredEstimate = JsonObject & {
  readonly medianSeconds: number
  /** Nine of ten runs take at most this long. */
  readonly p90Seconds: number
  /** How many past runs it was computed from. */
  readonly runs: number
}

export type Entry =
  | Opened
  | (JsonObject & {
      readonly type: 'preflighted'
      readonly findings: readonly Finding[]
      readonly warnings: number
      readonly refusals: number
      /** Missing in older journals, and where only a part was looked at again. */
      readonly provenance?: Provenance
    })
  /** What a dry run saw and predicted for one step. */
  | (JsonObject & {
      readonly type: 'foretold'
      readonly step: string
      /** Its sentence, with the values known at that point. */
      readonly says: string
      /** Notes written while it was looking. */
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
  /** The run rolls back from here on. Irrevocable. */
  | (JsonObject & { readonly type: 'turned'; readonly because: string; readonly failure: Failure | null })
  | (JsonObject & { readonly type: 'undo-intent'; readonly step: string; readonly attempt: number })
  /** The probe found the effect absent; what proved it is released next. Only of steps with `afterUndo`. */
  | (JsonObject & {
      readonly type: 'undo-proven'
      readonly step: string
      readonly attempt: number
      readonly result: 'undone' | 'absent'
    })
  | UndoEnded
  | (JsonObject & { readonly type: 'pivoted'; readonly because: string })
  | (JsonObject & {
      readonly type: 'interrupted'
      readonly signal: string
      /** Which start of the machine it was: another one since then means that it restarted. Missing where not known. */
      readonly boot?: string
    })
  | (JsonObject & {
      readonly type: 'resumed'
      readonly way: 'forward' | 'back'
      readonly by: string
      readonly host: string
      readonly orphans: readonly JsonObject[]
      /** The difference to the opened plan that a person accepted; null if nothing had changed. */
      readonly accepted: string | null
      /** What else a person accepted: files that are not trusted, secrets that are not masked. */
      readonly remarks?: readonly string[]
      /** As for `opened`. */
      readonly locks?: readonly LockRecord[]
      /** Places that the accepted code of steps may leave something in, besides those of the plan; by step id. */
      readonly leaves?: { readonly [step: string]: readonly Leftover[] }
    })
  /** Parts of the system that were down when the run took its locks, and are locked from here on. */
  | (JsonObject & { readonly type: 'locked'; readonly locks: readonly LockRecord[] })
  | (JsonObject & {
      readonly type: 'settled'
      readonly outcome: Outcome
      readonly failure: Failure | null
      /** Earlier runs of the same runbook on the same target, newest first. Missing where they were not read. */
      readonly earlier?: readonly EarlierRun[]
      /** What the run found dead, so that it stopped. */
      readonly down?: FoundDown
      /** Missing where no earlier run said anything. */
      readonly estimate?: StoredEstimate
      /** The images of its services as they are now, and of its throwaway servers. Missing in older journals. */
      readonly images?: readonly UsedImage[]
    })
  /** A notice to the operators. Durable before it is sent; `key` is what it is about, and is sent with it. */
  | (JsonObject & { readonly type: 'announcing'; readonly key: string; readonly text: string })
  /** Whether the notice was accepted on a channel: `problem` is null, or says why it was not. */
  | (JsonObject & {
      readonly type: 'announced'
      readonly key: string
      readonly problem: string | null
      /** Name of the channel; missing for `operators.announce`. */
      readonly to?: string
    })
  /** The watch is about to resume or roll back a run whose process died. Durable before it begins. */
  | (JsonObject & {
      readonly type: 'attempting'
      readonly way: 'forward' | 'back'
      readonly by: string
      readonly host: string
    })
  /** That attempt ended and left the run open: `problem` says why, as far as it is known. */
  | (JsonObject & { readonly type: 'attempted'; readonly problem: string | null })
  /** A person takes the run, so nobody else is called. */
  | (JsonObject & {
      readonly type: 'acknowledged'
      readonly by: string
      readonly host: string
      readonly note: string | null
    })
  /** A person closed a run that the program could not settle. */
  | (JsonObject & { readonly type: 'released'; readonly by: string; readonly reason: string })
  | (JsonObject & { readonly type: 'sealed'; readonly folder: string; readonly digest: string })

/** A server that died during a run: its name, and when it last answered. */
export type FoundDown = { readonly place: string; readonly since: string }

export type StepEnded = JsonObject & {
  readonly type: 'ended'
  readonly step: string
  readonly attempt: number
  /** The probe found the effect before acting: `already` on the first attempt, `recovered` on a later one. */
  readonly result: 'done' | 'already' | 'recovered' | 'failed' | 'timeout'
  readonly output: Json
  readonly failure: Failure | null
  /** Another attempt follows, so the step has not failed yet. */
  readonly again?: true
  /** The recovery point: time as of which the restored data is. Null or missing if the step restored none. */
  readonly dataAsOf?: string | null
  /** Of a step that exchanged data whose rows are known on both sides. */
  readonly rows?: RowsBeforeAndAfter
  /** What changed outside the step's effect, and no undo takes back. */
  readonly remains?: readonly string[]
  /** Those of `remains` that are only data that was put aside. */
  readonly kept?: readonly string[]
  /** By the monotonic clock; null if the attempt began in another process. */
  readonly milliseconds: number | null
  readonly log: LogFile | null
}

export type UndoEnded = JsonObject & {
  readonly type: 'undo-ended'
  readonly step: string
  readonly attempt: number
  /** `absent`: the probe found no effect, so there was nothing to undo. */
  readonly result: 'undone' | 'absent' | 'failed'
  readonly failure: Failure | null
  /** Another attempt follows. */
  readonly again?: true
  /** What did not answer, such as `shop/db`. */
  readonly down?: string
  readonly remains?: readonly string[]
  readonly kept?: readonly string[]
  readonly milliseconds: number | null
  readonly log: LogFile | null
}

/** The log in the evidence folder at the end of the attempt. Later attempts only append to it. */
export type LogFile = JsonObject & {
  readonly file: string
  readonly bytes: number
  readonly sha256: string
  /** The complete output of this attempt, if its middle is left out of the file. */
  readonly whole?: { readonly bytes: number; readonly sha256: string }
  /** Why the file is incomplete, such as a full disk. Does not affect the outcome of the step. */
  readonly problem?: string
}

/** `refused`: preflight found a reason not to start; nothing was changed. `foretold`: a completed dry run. */
export type Outcome = 'succeeded' | 'rolled-back' | 'needs-human' | 'refused' | 'foretold'

/** An entry as stored: numbered, dated and chained to the previous one. */
export type Stored = JsonObject & {
  readonly run: string
  readonly seq: number
  /** Epoch of the hold on the target under which it was written; increases with each hold. */
  readonly epoch: number
  readonly at: string
  readonly previous: string
  readonly hash: string
  readonly entry: Entry
}

/** `previous` of the first entry of every run. */
export const genesisHash = '0'.repeat(64)
