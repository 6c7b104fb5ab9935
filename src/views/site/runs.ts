import type { Holder } from '../../run/journal/entry.ts'
import { isOpen, isUnsealed } from '../../run/journal/journal.ts'
import { duration, moment } from '../amounts.ts'
import { code, paragraph, strong, type Block, type Inline } from '../document.ts'
import { endedAs } from '../history.ts'
import { measured } from '../measured.ts'
import type { HistoryRun } from '../past-runs.ts'
import { partOf, targetHref } from './frame.ts'
import { runLink } from './protection.ts'

/** Open runs and those that are not sealed, with who works on them now. */
export type OpenLine = HistoryRun & { readonly holder: Holder | null }

export function openAsBlocks(runs: readonly OpenLine[]): readonly Block[] {
  if (runs.length === 0) return [paragraph('No run is open.')]
  return [
    {
      kind: 'list',
      items: runs.map((one): Inline => {
        const { run, runbook, startedAt, holder } = one
        const what: Inline = [runLink(run), ` ${runbook}, started ${moment(startedAt)}: `]
        if (holder?.run === run)
          return [...what, strong('running'), ` (pid ${holder.pid} of ${holder.by} on ${holder.host})`]
        // Whether it goes forward or back is known to its page.
        if (isOpen(one)) return [...what, strong('waits for a person'), '; its page says what to type']
        return [...what, endedAs(one), '. Next: ', code(`runbook resume ${run}`)]
      }),
    },
  ]
}

export const needsPerson = (one: OpenLine): boolean =>
  (isOpen(one) || isUnsealed(one)) && one.holder?.run !== one.run

/**
 * Runs of a target, newest first, with a bar for each recovery time.
 * @param older how many there are that are not listed
 */
export function historyAsBlocks(
  target: string,
  runs: readonly HistoryRun[],
  older: number,
): readonly Block[] {
  if (runs.length === 0) return [paragraph('No run yet.')]
  const limits = runs.flatMap(({ past }) => past?.measures?.rto.objectiveSeconds ?? [])
  return [
    {
      kind: 'table',
      head: ['Run', 'Started', 'Runbook', 'Outcome', 'Exit', 'Took', 'Downtime', 'RTO', 'RPO'],
      rows: runs.map((one): readonly Inline[] => {
        const { exit = null, seconds = null, measures = null } = one.past ?? {}
        return [
          runLink(one.run),
          moment(one.startedAt),
          {
            link: `${targetHref(target)}?runbook=${partOf(one.runbook)}`,
            label: one.runbook,
          },
          one.outcome === 'succeeded' && one.damage === null ? endedAs(one) : strong(endedAs(one)),
          exit === null ? '' : String(exit),
          seconds === null ? '' : duration(seconds),
          measures === null ? '' : measured(measures.downtime),
          measures === null ? '' : measured(measures.rto),
          measures === null ? '' : measured(measures.rpo),
        ]
      }),
      bars: {
        title: 'Recovery time',
        lengths: runs.map(({ past }) => past?.measures?.rto.seconds ?? null),
        limit: limits[0] ?? null,
      },
    },
    ...(older === 0
      ? []
      : [
          paragraph(
            `${older} older ${older === 1 ? 'run is' : 'runs are'} not listed: `,
            code('runbook history'),
          ),
        ]),
  ]
}
