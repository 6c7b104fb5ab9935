import { nextIn } from '../run/engine/agenda.ts'
import type { Holder, Stored } from '../run/journal/entry.ts'
import { standingOf } from '../run/journal/standing.ts'
import { stateOf } from '../run/journal/state.ts'
import { stepTimesOf } from '../run/journal/step-times.ts'
import type { OpenRun } from '../views/status.ts'

/** How an open run stands, by its entries. */
export function openRunOf(run: string, entries: readonly Stored[], holder: Holder | null): OpenRun {
  const state = stateOf(entries)
  return {
    run,
    state,
    standing: standingOf(entries),
    holder,
    times: stepTimesOf(entries),
    next: nextIn(state),
  }
}
