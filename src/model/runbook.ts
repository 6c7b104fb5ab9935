import type { Json, JsonObject } from '../kernel/json.ts'
import { checkRunbook } from './definition.ts'
import type { AnyParam, ValueOf } from './param.ts'
import type { Output, Ref } from './ref.ts'
import type { Call } from './step.ts'
import type { ConfiguredSection, Section, TargetWith } from './target.ts'

/** Options of a step in a runbook. */
export interface StepOptions {
  /**
   * Identifies the step in journals, logs and reports: lowercase letters, digits and single hyphens, at most
   * 60 characters, unique in the runbook. Default: derived from the title. With an explicit id the title can
   * be reworded, and open runs still resume and roll back.
   */
  readonly id?: string
  /** Overrides the step's own timeout. */
  readonly timeoutSeconds?: number
  /** Attempts after the first failure. A changing step is repeated only if its probe finds no effect. */
  readonly retry?: { readonly times: number; readonly delaySeconds: number }
}

/** One branch per possible value of the ref. */
export type Cases<T extends string | boolean> = { readonly [K in `${T}`]: () => unknown }

/** What the script of a runbook records its steps with. No step runs during recording. */
export interface Script<P, S extends Section> {
  readonly params: { readonly [K in keyof P]: Output<ValueOf<P[K]>> }
  readonly target: TargetWith<S>
  /** @returns a ref to the step's output */
  step<O extends Json>(title: string, call: Call<O>, options?: StepOptions): Output<O>
  /** Steps recorded inside must not depend on each other; they run concurrently. */
  parallel<T>(title: string, record: () => T): T
  /**
   * The plan shows every branch; a run takes the one whose key equals the value.
   * @returns what each branch returned. Its refs are valid in the same branch of a later `when`, and
   *   elsewhere only inside `maybe(…)`
   */
  when<T extends string | boolean, C extends Cases<T>>(
    value: Ref<T>,
    cases: C & { readonly [K in Exclude<keyof C, `${T}`>]: never },
  ): { readonly [K in keyof C]: C[K] extends () => infer R ? R : never }
  /** After this point a failure no longer rolls back. At most one per runbook. */
  pointOfNoReturn(because: string): void
  /** A step that runs at the end of every run, after success and after rollback. */
  lastly<O extends Json>(title: string, call: Call<O>, options?: StepOptions): void
}

export interface About<P, S extends Section> {
  readonly title: string
  /** When to use this runbook, for an operator who has to choose one at night. */
  readonly when: string
  /** Sections that the target must have, configured or by default. Default: none. */
  readonly needs?: readonly S[]
  /** Sections that it uses where the target has them; plans and reports say what their absence costs. */
  readonly wants?: readonly Section[]
  /** Default: it takes none. */
  readonly params?: P
  /**
   * Present if `diagnose` may recommend this runbook: the parameters of the command it prints, with a
   * placeholder in capitals for what only a person knows. Includes every required parameter.
   */
  readonly remedy?: { readonly [K in keyof NoInfer<P>]?: string }
  /**
   * It removes what fills disks. Where the disk of the state folder is full, every other run is refused; this
   * one is recorded in room that was reserved for it.
   */
  readonly makesRoom?: true
}

/** What is said about a runbook, with nothing left out that has a default. */
export type CompleteAbout = About<AnyParams, Section> &
  Required<Pick<About<AnyParams, Section>, 'needs' | 'params'>>

type AnyParams = { readonly [name: string]: AnyParam }

export interface Runbook {
  readonly name: string
  readonly about: CompleteAbout
  record(script: Script<{ readonly [name: string]: AnyParam }, Section>): void
}

/**
 * Defines a runbook, the default export of its file. `name` is what operators type.
 * @throws RunbookError `usage` if `name` is not made of lowercase letters, digits and single hyphens, or a
 *   field is missing or has the wrong type
 */
export function runbook<
  const P extends { readonly [name: string]: AnyParam } = Record<never, never>,
  const S extends ConfiguredSection = never,
>(name: string, about: About<P, S>, record: (script: Script<P, S>) => void): Runbook {
  checkRunbook(name, about, record)
  const { needs = [], params = {} } = about
  return { name, about: { ...about, needs, params }, record: record as unknown as Runbook['record'] }
}

/** The parameters of a runbook that nobody gave; the required ones are left out. */
export const fallbacksOf = ({ about: { params } }: Runbook): JsonObject =>
  Object.fromEntries(
    Object.entries(params).flatMap(([name, { fallback }]) =>
      fallback === undefined ? [] : [[name, fallback as Json]],
    ),
  )

/** Checks the shape, since a team's package may bring its own copy of this one. */
export function isRunbook(value: unknown): value is Runbook {
  if (typeof value !== 'object' || value === null) return false
  const { name, about, record } = value as { readonly [key: string]: unknown }
  return (
    typeof name === 'string' && typeof about === 'object' && about !== null && typeof record === 'function'
  )
}
