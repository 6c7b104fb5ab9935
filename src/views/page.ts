import { oneLine } from '../kernel/sanitize.ts'
import type { Incident } from '../run/record/incident.ts'
import type { RunRecord } from '../run/record/record.ts'
import type { Document } from './document.ts'
import { blockAsHtml, inlineAsHtml, sectionsAsHtml } from './html/blocks.ts'
import { policy, style } from './html/style.ts'
import { fragment, rawStyle, type Html } from './html/template.ts'
import { incidentTimelineAsHtml } from './html/incident-timeline.ts'
import { timelineAsHtml } from './html/timeline.ts'
import { incidentDocument } from './incident.ts'
import { reportDocument } from './report/document.ts'
import { result } from './result.ts'
import { storyDocument, type StoryRun } from './storyline.ts'

/**
 * `report.html`: what report.md says, with a timeline. One file that loads nothing and needs no script.
 */
export function pageOf(record: RunRecord): string {
  return page(reportDocument(record), {
    look: lookOf(record),
    title: `${record.runbook} on ${record.target}: ${result(record)}`,
    more: timelineAsHtml(record),
    foot: `Run ${record.run}, ${record.engine}. Rendered from run.json, which is signed with this page.`,
  })
}

/** How a page shows the outcome of a run. */
export const lookOf = ({ outcome }: Pick<RunRecord, 'outcome'>): Frame['look'] =>
  outcome === 'succeeded' ? 'succeeded' : ['foretold', 'open'].includes(outcome) ? 'other' : 'failed'

/** `index.html` of a story. */
export function storyPageOf(story: string, runs: readonly StoryRun[]): string {
  const verified = runs.every(({ defects }) => defects.length === 0)
  return page(storyDocument(story, runs, 'report.html'), {
    look: verified ? 'succeeded' : 'failed',
    title: `Recovery evidence of story ${story}`,
    more: [],
    foot: `The index is not signed: runbook evidence story ${story} writes it again from the signed evidence.`,
  })
}

/** `incident.html`: several runs with one timeline. */
export function incidentPageOf(name: string, incident: Incident, runs: readonly StoryRun[]): string {
  const verified = runs.every(({ defects }) => defects.length === 0)
  const up = incident.targets.every(({ upAt, rto }) => upAt !== null && rto.verdict !== 'missed')
  return page(incidentDocument(name, incident, runs, 'report.html'), {
    look: verified && up ? 'succeeded' : 'failed',
    title: `Incident: ${name}`,
    more: incidentTimelineAsHtml(incident, runs),
    foot: 'This page is not signed: runbook evidence incident writes it again from the signed evidence.',
  })
}

type Frame = {
  readonly look: 'succeeded' | 'failed' | 'other'
  /** Of the browser's window. */
  readonly title: string
  /** What comes between the lead and the sections. */
  readonly more: readonly Html[]
  readonly foot: string
}

function page({ title, lead, sections }: Document, frame: Frame): string {
  return fragment`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${oneLine(frame.title)}</title>
${rawStyle(style)}
</head>
<body class="${frame.look}">
<header>
<h1>${inlineAsHtml(title)}</h1>
</header>
<main>
${lead.map(blockAsHtml)}${frame.more}${sectionsAsHtml(sections)}</main>
<footer>
<p>${frame.foot}</p>
</footer>
</body>
</html>
`.toString()
}
