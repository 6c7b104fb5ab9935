import type { JsonObject } from '../kernel/json.ts'

export type Question = {
  readonly text: string
  /** The exact text required; null accepts any non-empty answer. */
  readonly phrase: string | null
  /** Facts shown above the question. */
  readonly showing: JsonObject
  /** Whether `RESTORE_CONFIRM=YES` counts as an answer without a terminal. */
  readonly acceptsEnvironment: boolean
  /**
   * Set for a duty. Only `--answer NAME=TEXT` and `--skip NAME=REASON` answer it in advance, never `--yes`,
   * `--confirm` or a variable.
   */
  readonly duty?: Duty
}

export type Duty = {
  /** Name on the command line: lowercase letters, digits and single hyphens. */
  readonly name: string
  /** Whether `skip: REASON` counts as an answer. */
  readonly skippable: boolean
}

/** `text` is the text typed; `skip: REASON` for a skipped duty. */
export type Answer = JsonObject & {
  readonly by: string
  readonly at: string
  readonly how: 'terminal' | 'flag' | 'environment'
  readonly text: string
}

export interface PeopleView {
  /** How it can be answered; null if there is no terminal and no flag or variable with a valid answer. */
  reachable(question: Question): Promise<Answer['how'] | null>
}

export interface People extends PeopleView {
  /** @throws RunbookError `preflight` after three wrong answers, or if there is no way to ask */
  ask(question: Question): Promise<Answer>
}
