import type { PastRun } from '../run/record/past-run.ts'
import { duration } from './amounts.ts'
import { columns } from './columns.ts'
import { fitted, type Width } from './fit.ts'
import { endedAs, type ListedRun } from './history.ts'
import { measured } from './measured.ts'

/** A run of the list; `past` is null where its entries were not read. */
export type HistoryRun = ListedRun & { readonly past: PastRun | null }

/**
 * Runs of the journal, newest first, with how long each took and what it measured.
 * @param filtered only some runs were asked for
 * @param more how many that match are older than those that are given
 */
export function historyText(
  runs: readonly HistoryRun[],
  {
    filtered = false,
    more = 0,
    width = null,
  }: { readonly filtered?: boolean; readonly more?: number; readonly width?: Width } = {},
): string {
  if (runs.length === 0) return filtered ? 'No runs match.\n' : 'No runs yet.\n'
  const rows = [
    ['RUN', 'STARTED', 'RUNBOOK', 'TARGET', 'OUTCOME', 'EXIT', 'TOOK', 'DOWNTIME', 'RTO', 'RPO', 'STORY'],
    ...runs.map((one) => {
      const { exit = null, seconds = null, measures = null } = one.past ?? {}
      return [
        one.run,
        one.startedAt,
        one.runbook,
        one.target,
        endedAs(one),
        exit === null ? '' : String(exit),
        seconds === null ? '' : duration(seconds),
        measures === null ? '' : measured(measures.downtime),
        measures === null ? '' : measured(measures.rto),
        measures === null ? '' : measured(measures.rpo),
        one.story ?? '',
      ]
    }),
  ]
  const rest =
    more === 0
      ? ''
      : `\n${more === 1 ? '1 older run' : `${more} older runs`}: --all lists every run, --since those since a time.\n`
  return columns(rows, width).join('\n') + '\n' + fitted(rest, width)
}
