import type { Stored } from '../run/journal/entry.ts'
import { stateOf } from '../run/journal/state.ts'
import { standingOf } from '../run/journal/standing.ts'
import { downLines } from '../run/journal/down.ts'
import { changedLines, startHints } from './standing.ts'

/**
 * What stays as it is when a run is closed, before it is closed, and the commands that could still settle it.
 * @param entries null if they are damaged
 */
export function closingText(run: string, entries: readonly Stored[] | null): string {
  if (entries === null)
    return `The entries of ${run} are damaged, so it is unknown what it has changed: check its target.\n`
  const standing = standingOf(entries)
  const stays = [...downLines(standing), ...changedLines(standing)]
  if (stays.length === 0) return ''
  const { way, pivoted } = stateOf(entries)
  return [
    `Closing ${run} starts and undoes nothing:`,
    ...stays.map((text) => `  ${text}`),
    ...(way === 'back'
      ? [`To undo it instead: runbook rollback ${run}`]
      : pivoted
        ? [`To finish it instead: runbook resume ${run}`]
        : [`To finish or undo it instead: \`runbook resume ${run}\` or \`runbook rollback ${run}\``]),
    ...startHints(standing),
    '',
  ].join('\n')
}
