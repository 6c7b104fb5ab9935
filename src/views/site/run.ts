import type { RunRecord } from '../../run/record/record.ts'
import { paragraph, type Inline } from '../document.ts'
import { blockAsHtml, sectionsAsHtml } from '../html/blocks.ts'
import { fragment, type Html } from '../html/template.ts'
import { timelineAsHtml } from '../html/timeline.ts'
import { lookOf } from '../page.ts'
import { reportDocument } from '../report/document.ts'
import { result } from '../result.ts'
import type { OpenRun } from '../status.ts'
import { runbookHref, runHref, section, sitePage, targetHref } from './frame.ts'
import { linkedFrom } from './links.ts'
import { standingAsHtml } from './live.ts'

export type RunShown = {
  readonly record: RunRecord
  /** Null once the run has ended. */
  readonly open: OpenRun | null
  /** Whether the runbook still exists and fits. */
  readonly planned: boolean
  readonly now: Date
}

/** The record of a run as its report shows it; of an open run how it stands now, which the page follows. */
export function runPage({ record, open, planned, now }: RunShown): string {
  const { run, runbook, target } = record
  const { title, lead, sections } = reportDocument(record)
  const links: readonly Inline[] = [
    { link: `${runHref(run)}/evidence`, label: 'Evidence and its verification' },
    ...(planned ? [' · ', { link: runbookHref(target, runbook), label: 'The runbook' }] : []),
  ]
  return sitePage({
    title,
    window: `${runbook} on ${target}: ${result(record)}`,
    look: lookOf(record),
    crumbs: [
      { label: target, href: targetHref(target) },
      { label: run, href: runHref(run) },
    ],
    main: [
      blockAsHtml(paragraph(...links)),
      ...(open === null ? [] : [section('now', 'Now', [liveAsHtml(open, now)])]),
      ...lead.map(blockAsHtml),
      ...timelineAsHtml(record),
      ...sectionsAsHtml(
        linkedFrom(
          `${runHref(run)}/evidence`,
          sections.filter(({ title }) => title !== 'How to verify'),
        ),
      ),
    ],
    ...(open === null ? {} : { live: true }),
  })
}

const liveAsHtml = (open: OpenRun, now: Date): Html =>
  fragment`<p id="connection" class="note" role="status">As of the loading of this page.</p>
<div id="live">${standingAsHtml(open, now)}</div>
`

/** The part that an event replaces. */
export const standingText = (open: OpenRun, now: Date): string => standingAsHtml(open, now).toString()
