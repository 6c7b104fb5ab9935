import type { Agenda, Todo } from './agenda.ts'
import type { Ended } from './perform.ts'

/** A todo that is a single item, not a group. */
export type Single = Exclude<Todo, { do: 'together' }>

/**
 * Works through the todos in order and shows their progress. Stops at the first failure, but waits for all
 * items of a `together`: a rollback must not start while a sibling still acts. Passes on `Stopped` of `work`.
 */
export interface Conductor {
  conduct(act: Agenda['act'], todos: readonly Todo[], work: (todo: Single) => Promise<Ended>): Promise<void>
}
