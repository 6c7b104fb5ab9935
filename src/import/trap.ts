import type { Procedure, Step } from './procedure.ts'

/** A command or a statement that looks right and does not do what its author expects. */
export type Trap = {
  /** The name of its kind. */
  readonly name: string
  readonly line: number
  readonly text: string
  readonly reason: string
  readonly cure: string
}

/** What finds one kind of trap, in the steps of one procedure of the document, in order. */
export type StepTrap = {
  readonly name: string
  readonly cure: string
  readonly find: (steps: readonly Step[]) => readonly { readonly at: Step; readonly reason: string }[]
}

/** What finds one kind of trap in the document as a whole. */
export type DocumentTrap = {
  readonly name: string
  readonly cure: string
  readonly search: (
    document: Procedure,
  ) => readonly { readonly line: number; readonly text: string; readonly reason: string }[]
}
