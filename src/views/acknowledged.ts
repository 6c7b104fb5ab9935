import type { Stored } from '../run/journal/entry.ts'
import { standingOf } from '../run/journal/standing.ts'
import { stateOf } from '../run/journal/state.ts'
import { commandsOf } from '../run/record/news.ts'
import { downLines } from '../run/journal/down.ts'
import { changedLines } from './standing.ts'

/** For whoever takes a run that waits: what is down, what it has changed, and what it accepts. */
export function acknowledgedText(run: string, entries: readonly Stored[]): string {
  const standing = standingOf(entries)
  return [
    ...downLines(standing),
    `${run} is yours; nobody else is called.`,
    ...changedLines(standing),
    'Look first:  runbook status',
    ...commandsOf(stateOf(entries), entries).map((command) => `Then:  ${command}`),
    '',
  ].join('\n')
}
