import type { Json } from '../kernel/json.ts'
import type { AnyParam, ValueOf } from './param.ts'
import type { Output, Ref } from './ref.ts'
import type { Call } from './step.ts'
import type { ConfiguredSection, Section, TargetWith } from './target.ts'

/** What a runbook says of one of its steps beside its title. */
export interface StepOptions {
  /**
   * Identifies the step in journals, logs and reports: small letters, digits and single hyphens, at most 60 characters, unique in the
   * runbook. Left out, it is made from the title. With it the title can be reworded, and open runs still resume and roll back.
   */
  readonly id?: string
  /** Overrides the step's own time-out. */
  readonly timeoutSeconds?: number
  /** More attempts after a failed one. A changing step is only repeated once its probe finds the effect absent. */
  readonly retry?: { readonly times: number; readonly delaySeconds: number }
}

/** A branch for each value that the ref can have. */
export type Cases<T extends string | boolean> = { readonly [K in `${T}`]: () => unknown }

/** What a runbook's script writes with. It is recorded; no step runs while it does. */
export interface Script<P, S extends Section> {
  readonly params: { readonly [K in keyof P]: Output<ValueOf<P[K]>> }
  readonly target: TargetWith<S>
  /** @returns a ref to the step's output */
  step<O extends Json>(title: string, call: Call<O>, options?: StepOptions): Output<O>
  /** The steps inside do not depend on one another and run at the same time. */
  parallel<T>(title: string, record: () => T): T
  /**
   * The plan shows every branch; the run takes the one whose key the value equals.
   * @returns what each branch returned. Its refs are good in the same branch of a later `when`, and elsewhere in `maybe(…)`
   */
  when<T extends string | boolean, C extends Cases<T>>(
    value: Ref<T>,
    cases: C & { readonly [K in Exclude<keyof C, `${T}`>]: never },
  ): { readonly [K in keyof C]: C[K] extends () => infer R ? R : never }
  /** After this, failures no longer roll back: forward only. At most one. */
  pointOfNoReturn(because: string): void
  /** Runs at the end of every run, after success and after rollback. */
  lastly<O extends Json>(title: string, call: Call<O>, options?: StepOptions): void
}

export interface About<P, S extends Section> {
  readonly title: string
  /** When to reach for this runbook, for somebody who has to choose at night. */
  readonly when: string
  /** Sections that the target must have. */
  readonly needs: readonly S[]
  readonly params: P
  /**
   * Present where `diagnose` may send people to this runbook: the parameters that it writes into the command to type, each with a word in
   * capitals for what only a person knows. Every parameter that must be given is among them.
   */
  readonly remedy?: { readonly [K in keyof NoInfer<P>]?: string }
}

export interface Runbook {
  readonly name: string
  readonly about: About<{ readonly [name: string]: AnyParam }, Section>
  record(script: Script<{ readonly [name: string]: AnyParam }, Section>): void
}

/** Names a procedure. The file's default export; `name` is what people type. */
export function runbook<
  const P extends { readonly [name: string]: AnyParam },
  const S extends ConfiguredSection = never,
>(name: string, about: About<P, S>, record: (script: Script<P, S>) => void): Runbook {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name))
    throw new Error(
      `a runbook is called ${JSON.stringify(name)}; names are small letters, digits and single hyphens`,
    )
  return { name, about, record: record as unknown as Runbook['record'] }
}

/** Told by its shape, since a team's package may bring a copy of ours. */
export function isRunbook(value: unknown): value is Runbook {
  if (typeof value !== 'object' || value === null) return false
  const { name, about, record } = value as { readonly [key: string]: unknown }
  return (
    typeof name === 'string' && typeof about === 'object' && about !== null && typeof record === 'function'
  )
}
