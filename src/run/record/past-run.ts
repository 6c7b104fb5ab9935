import { exits } from '../../kernel/errors.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { codeOfState } from '../journal/code.ts'
import type { Stored } from '../journal/entry.ts'
import { stateOf } from '../journal/state.ts'
import { measuresOf, type Measures } from './measures.ts'

/** How a run went, for a list of many. */
export type PastRun = JsonObject & {
  readonly endedAt: string | null
  /** From its start to its end by the wall clock, interruptions included; null while it is open. */
  readonly seconds: number | null
  /** Exit code of the command that ended it; null while it is open. */
  readonly exit: number | null
  /** Null for a dry run, which measures nothing. */
  readonly measures: Measures | null
}

export function pastRunOf(entries: readonly Stored[]): PastRun {
  const state = stateOf(entries)
  const ending =
    state.settled === null ? undefined : entries.findLast(({ entry }) => entry.type === 'settled')
  const milliseconds = ending === undefined ? Number.NaN : Date.parse(ending.at) - Date.parse(state.startedAt)
  return {
    endedAt: ending?.at ?? null,
    // The clock may have been set back in between.
    seconds: milliseconds >= 0 ? milliseconds / 1000 : null,
    exit: ending === undefined ? null : exits[codeOfState(state)].exit,
    measures: state.opened.mode === 'dry-run' ? null : measuresOf(entries),
  }
}
