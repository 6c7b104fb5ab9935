import type { Draft } from '../draft.ts'
import type { Step } from '../procedure.ts'

/**
 * Writes what a command becomes into a runbook, with the steps that its inputs need. False: the document does not have
 * what the step needs, so it stays a command; a text: the reason why it stays one.
 * @param all the commands of its procedure
 */
export type Recipe = (draft: Draft, step: Step, all: readonly Step[]) => void | false | string

export type Recipes = { readonly [step: string]: Recipe }

/** No expansion, placeholder or pattern: what the shell would pass is what is written. */
export const isLiteral = (text: string): boolean => !/[$`<>*{]/.test(text)
