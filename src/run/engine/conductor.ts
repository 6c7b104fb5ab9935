import type { Agenda, Todo } from './agenda.ts'
import type { Ended } from './perform.ts'

/** A todo that stands for one thing, not for several at once. */
export type Single = Exclude<Todo, { do: 'together' }>

/**
 * Takes the todos in order and shows how they go. It stops at the first that fails; those of a `together` all come to their own end first,
 * since nobody may turn round while a sibling still acts. A `Stopped` that `work` throws passes through.
 */
export interface Conductor {
  conduct(act: Agenda['act'], todos: readonly Todo[], work: (todo: Single) => Promise<Ended>): Promise<void>
}
