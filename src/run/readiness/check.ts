import type { LocksView } from '../../drivers/locks.ts'
import type { Views } from '../../drivers/drivers.ts'
import type { Clock } from '../../kernel/clock.ts'
import { failureOf } from '../../kernel/errors.ts'
import type { JsonObject } from '../../kernel/json.ts'
import type { Planned } from '../../model/plan.ts'
import type { Runbook } from '../../model/runbook.ts'
import type { Finding } from '../../model/step.ts'
import type { Target } from '../../model/target.ts'
import type { Ahead } from '../dry-run/look-ahead.ts'
import type { JournalFacts } from './journal-facts.ts'

/** A part of what a check covers that could not be looked at. */
export type Unchecked = JsonObject & { readonly about: string; readonly why: string }

/** A finding, and whom it concerns. */
export type Concern = Finding & {
  readonly runbooks?: readonly string[]
  /** Other findings with one of these texts in them are about the same. */
  readonly covers?: readonly string[]
  /** A look failed, so that what follows from it was not looked at. */
  readonly unread?: true
}

/** A number for monitoring, without the prefix `runbook_`; labels besides the target. */
export type Gauge = JsonObject & {
  readonly name: string
  readonly help: string
  readonly value: number
  readonly labels?: { readonly [label: string]: string }
}

/** What one check found. Nothing in `findings` and `unchecked` means that all of it was looked at and is sound. */
export type CheckAnswer = {
  readonly findings?: readonly Concern[]
  readonly unchecked?: readonly Unchecked[]
  /** What was seen, in a few words each: versions, names, times. */
  readonly facts?: readonly string[]
  readonly gauges?: readonly Gauge[]
}

/** The folder with the journal and the keys, and what is known of the key that signs. */
export interface Host {
  readonly state: string
  readonly artifacts: string
  /** Refuses as a run would; looks without creating a key. */
  key(): Promise<{ readonly is: 'good' | 'none'; readonly fingerprint: string | null }>
}

/** A runbook that fits the target, with its plan. */
export type Plannable = { readonly book: Runbook; readonly planned: Planned }

/** One target, and everything that a check may look at. Nothing here can act. */
export interface Subject {
  readonly target: Target
  readonly look: Views
  readonly withheld: ReadonlySet<string>
  readonly locks: LocksView
  readonly clock: Clock
  readonly host: Host
  readonly journal: JournalFacts
  /** The runbooks that fit, planned; and those that cannot be, with the reason. Made once. */
  readonly plans: readonly Plannable[]
  readonly unplannable: readonly { readonly runbook: string; readonly thrown: unknown }[]
  ahead(plan: Plannable): Promise<Ahead>
}

/** One thing that is looked at, with its own file. */
export interface Check {
  /** Permanent name, for monitoring. */
  readonly id: string
  /** What it looks at, for people. */
  readonly looksAt: string
  /** `machine`: the same for every target, so it is looked at once. */
  readonly of: 'machine' | 'target'
  run(subject: Subject): Promise<CheckAnswer>
}

/**
 * Collects what a check finds. A look that fails is a finding of the check that is responsible for it, and
 * unchecked in all others.
 */
export class Notebook {
  readonly #findings: Concern[] = []
  readonly #unchecked: Unchecked[] = []
  readonly #facts: string[] = []
  readonly #gauges: Gauge[] = []

  /** @param covers texts by which other findings about the same are recognised */
  refuse(about: string, problem: string, hint: string, covers: readonly string[] = []): void {
    this.#findings.push({
      level: 'refuse',
      about,
      problem,
      hint,
      ...(covers.length === 0 ? {} : { covers }),
    })
  }

  warn(about: string, problem: string, hint: string): void {
    this.#findings.push({ level: 'warn', about, problem, hint })
  }

  unchecked(about: string, why: string): void {
    this.#unchecked.push({ about, why })
  }

  fact(text: string): void {
    this.#facts.push(text)
  }

  gauge(gauge: Gauge): void {
    this.#gauges.push(gauge)
  }

  /** @returns what `look` returned; undefined if it failed, which is then a reason against a run */
  async need<T>(about: string, look: () => Promise<T>): Promise<T | undefined> {
    try {
      return await look()
    } catch (thrown) {
      const { message, hint } = failureOf(thrown)
      this.#findings.push({
        level: 'refuse',
        about,
        problem: message,
        hint: hint ?? 'fix this and look again',
        unread: true,
      })
      return undefined
    }
  }

  /** Like `need`, where another check reports the failure. */
  async seek<T>(about: string, look: () => Promise<T>): Promise<T | undefined> {
    try {
      return await look()
    } catch (thrown) {
      this.unchecked(about, failureOf(thrown).message)
      return undefined
    }
  }

  get answer(): CheckAnswer {
    return {
      findings: this.#findings,
      unchecked: this.#unchecked,
      facts: this.#facts,
      gauges: this.#gauges,
    }
  }
}
