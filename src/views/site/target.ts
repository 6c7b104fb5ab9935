import type { Protection } from '../../run/readiness/protection.ts'
import { moment } from '../amounts.ts'
import { code, list, paragraph, type Inline } from '../document.ts'
import { blockAsHtml } from '../html/blocks.ts'
import type { HistoryRun } from '../past-runs.ts'
import { note, runbookHref, section, sitePage, targetHref } from './frame.ts'
import { drillsAsBlocks, placesAsBlocks, troubles, troublesAsBlocks } from './protection.ts'
import { historyAsBlocks, needsPerson, openAsBlocks, type OpenLine } from './runs.ts'

export type TargetShown = {
  readonly name: string
  readonly title: string
  readonly protection: { readonly one: Protection; readonly at: Date } | null
  readonly open: readonly OpenLine[]
  readonly runs: readonly HistoryRun[]
  /** How many older runs are not listed. */
  readonly older: number
  /** Only runs of this runbook are listed. */
  readonly runbook: string | null
  /** Those that fit the target. */
  readonly runbooks: readonly { readonly name: string; readonly when: string }[]
  readonly now: Date
}

export function targetPage(shown: TargetShown): string {
  const { name, title, protection, open, runs, older, runbook, runbooks, now } = shown
  const bad = protection === null ? [] : troubles(protection.one)
  const failed = bad.length > 0 || open.some(needsPerson)
  return sitePage({
    title: title === name ? name : [title, ` (${name})`],
    window: `${name}: runbook`,
    look: failed ? 'failed' : protection === null ? 'other' : 'succeeded',
    crumbs: [{ label: name, href: targetHref(name) }],
    main: [
      ...troublesAsBlocks(bad).map(blockAsHtml),
      section('open', 'Open runs', openAsBlocks(open).map(blockAsHtml)),
      ...(protection === null
        ? [note('Still looking at the backups: reload the page in a moment.')]
        : [
            section('backups', 'Backups', placesAsBlocks(protection.one.places, now).map(blockAsHtml)),
            section('drills', 'Drills', drillsAsBlocks(protection.one.drills, now).map(blockAsHtml)),
            note([
              `Backups and drills as of ${moment(protection.at.toISOString())}. What else would stop a recovery: `,
              code(`runbook doctor --target ${name}`),
            ]),
          ]),
      section('history', runbook === null ? 'History' : ['History of ', runbook], [
        ...(runbook === null
          ? []
          : [blockAsHtml(paragraph({ link: targetHref(name), label: 'Show the runs of all runbooks' }))]),
        ...historyAsBlocks(name, runs, older).map(blockAsHtml),
      ]),
      section('runbooks', 'Runbooks that fit', [
        blockAsHtml(
          runbooks.length === 0
            ? paragraph('None.')
            : list(
                runbooks.map((one): Inline => [
                  { link: runbookHref(name, one.name), label: one.name },
                  `: ${one.when}`,
                ]),
              ),
        ),
      ]),
    ],
  })
}
