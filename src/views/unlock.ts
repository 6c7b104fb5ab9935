import type { Stored } from '../run/journal/entry.ts'
import { stateOf } from '../run/journal/state.ts'
import { standingOf } from '../run/journal/standing.ts'
import { downLines } from '../run/journal/down.ts'
import { changedLines, startHints } from './standing.ts'

/**
 * What stays as it is when a run is closed, before it is closed, and the commands that bring up what is down.
 * @param entries null if they are damaged
 */
export function closingText(run: string, entries: readonly Stored[] | null): string {
  if (entries === null)
    return `The entries of ${run} are damaged, so it is unknown what it has changed and what is down: look at its target before anything else runs there.\n`
  const standing = standingOf(entries)
  const stays = [...downLines(standing), ...changedLines(standing)]
  if (stays.length === 0) return ''
  const { way, pivoted } = stateOf(entries)
  return [
    `Closing ${run} starts and undoes nothing:`,
    ...stays.map((text) => `  ${text}`),
    `Once it is closed, ${lost(way, pivoted)}: what is left of its work is done or undone by hand.`,
    ...startHints(standing),
    '',
  ].join('\n')
}

/** What could still have settled it: closing is the last resort, and takes that away. */
const lost = (way: 'forward' | 'back', pivoted: boolean): string =>
  way === 'back'
    ? 'its rollback cannot be finished'
    : pivoted
      ? 'it cannot be resumed'
      : 'it can be neither resumed nor rolled back'
