import type { Step } from './procedure.ts'

/** What a command of a document becomes. */
export type Recognised =
  /** A step of the library, by the name that runbook/steps exports. */
  | { readonly as: 'step'; readonly step: string }
  /** A command that only looks: what it shows is seen by steps, or stays a looking command of a script step. */
  | { readonly as: 'look'; readonly shows: string }
  /** A call of a script of the team, by its name: a step of its own. */
  | { readonly as: 'script' }
  /** What a run does by itself. */
  | { readonly as: 'built-in'; readonly what: string }

/** Whether a command is of this kind; `before` and `after`: the commands around it in its procedure. */
type When = (step: Step, before: readonly Step[], after: readonly Step[]) => boolean

export type Recogniser = Recognised & { readonly when: When }

/** A row of a table of recognisers: the library's step, and the commands that it replaces. */
export const into = (step: string, when: When): Recogniser => ({ as: 'step', step, when })
export const shows = (what: string, when: When): Recogniser => ({
  as: 'look',
  shows: what,
  when,
})
export const builtIn = (what: string, when: When): Recogniser => ({
  as: 'built-in',
  what,
  when,
})
