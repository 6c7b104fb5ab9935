import type { JsonObject } from '../kernel/json.ts'

export type Question = {
  readonly text: string
  /** What must be typed, letter for letter; null accepts any answer that is not empty. */
  readonly phrase: string | null
  /** Facts shown above the question. */
  readonly showing: JsonObject
  /** Whether `RESTORE_CONFIRM=YES` counts where nobody is at a terminal. */
  readonly acceptsEnvironment: boolean
  /** A duty: only `--answer NAME=TEXT` and `--skip NAME=REASON` answer it beforehand, never `--yes`, `--confirm` or a variable. */
  readonly duty?: Duty
}

export type Duty = {
  /** As on the command line: small letters, digits and single hyphens. */
  readonly name: string
  /** Whether `skip: REASON` counts as an answer. */
  readonly skippable: boolean
}

/** `text` is what was typed; that of a duty left out is `skip: REASON`. */
export type Answer = JsonObject & {
  readonly by: string
  readonly at: string
  readonly how: 'terminal' | 'flag' | 'environment'
  readonly text: string
}

export interface PeopleView {
  /** How an answer could be had; null where nobody is at a terminal and no flag or variable answers it rightly. */
  reachable(question: Question): Promise<Answer['how'] | null>
}

export interface People extends PeopleView {
  /** @throws RunbookError `preflight` for a wrong phrase after three tries, or when nobody can be asked. */
  ask(question: Question): Promise<Answer>
}
