import type { RunSummary } from '../run/journal/journal.ts'
import type { RunRecord } from '../run/record/record.ts'
import { moment } from './amounts.ts'
import {
  code,
  documentAsMarkdown,
  paragraph,
  strong,
  table,
  type Block,
  type Document,
  type Inline,
} from './document.ts'
import { endedAs } from './history.ts'
import { code as span } from './markup.ts'
import { amount, measured } from './measured.ts'
import { result } from './result.ts'

/** The line that a run adds to a story, at most once: a line that begins with `key` is already there. */
export type StoryLine = { readonly line: string; readonly key: string }

/** @param link to the report, relative to the file that the line is added to */
export function storyLine(record: RunRecord, link: string): StoryLine {
  const { measures, runbook, target, run, startedAt } = record
  const key = `- ${moment(startedAt)}, ${span(runbook)} on ${span(target)}, run ${span(run)}: **${result(record)}**`
  const parts =
    record.mode === 'dry-run'
      ? []
      : [amount('RTO', measures.rto), amount('downtime', measures.downtime), amount('RPO', measures.rpo)]
  return {
    key,
    line: `${[key, ...parts.filter((part) => part !== '')].join(', ')}; [evidence](${destination(link)})`,
  }
}

/** One evidence folder of a story. `record` is null where run.json is missing or unreadable. */
export type StoryRun = {
  readonly folder: string
  readonly record: RunRecord | null
  /** Why the evidence does not verify; empty where it does. */
  readonly defects: readonly string[]
  /** The run without a record, as the journal of this machine knows it. */
  readonly known?: RunSummary | null
}

/** The index of a story for a QA reviewer: every run, oldest first. */
export const storyIndexOf = (story: string, runs: readonly StoryRun[]): string =>
  documentAsMarkdown(storyDocument(story, runs, 'report.md'))

/** @param report name of the report in each evidence folder that the index links to */
export const storyDocument = (story: string, runs: readonly StoryRun[], report: string): Document => ({
  title: ['Recovery evidence of story ', story],
  lead: runsTable(runs, report),
  sections: [],
})

/** How many runs verify, and each run with its result and a link to its report. Oldest first. */
export function runsTable(runs: readonly StoryRun[], report: string): readonly Block[] {
  const sorted = [...runs].sort((one, other) => (sortKey(one) < sortKey(other) ? -1 : 1))
  const rows = sorted.map(({ folder, record, defects, known = null }): readonly Inline[] => {
    const link: Inline = { link: destination(`${folder}/${report}`), label: folder }
    const verified: Inline =
      defects.length === 0 ? 'verified' : [strong('not verified'), ': ', code(defects.join('; '))]
    if (record === null) {
      const why = defects.includes('not-sealed') ? 'not sealed' : 'unreadable'
      if (known === null) return ['', '', '', why, '', '', '', link, verified]
      const { startedAt, runbook, target, sealed } = known
      // What the journal says was sealed is not what lies here.
      const state = sealed ? why : endedAs({ ...known, damage: null })
      return [moment(startedAt), code(runbook), code(target), state, '', '', '', link, verified]
    }
    const { rto, downtime, rpo } = record.measures
    return [
      moment(record.startedAt),
      code(record.runbook),
      code(record.target),
      result(record),
      measured(rto),
      measured(downtime),
      measured(rpo),
      link,
      verified,
    ]
  })
  const bad = sorted.filter(({ defects }) => defects.length > 0).length
  const total = `${runs.length} ${runs.length === 1 ? 'run' : 'runs'}, ${runs.length - bad} verified`
  const head = ['When', 'Runbook', 'Target', 'Result', 'RTO', 'Downtime', 'RPO', 'Evidence', 'Verified']
  return [paragraph(total, bad === 0 ? '.' : [', ', strong(`${bad} not verified`), '.']), table(head, rows)]
}

const sortKey = ({ record, known, folder }: StoryRun): string =>
  `${record?.startedAt ?? known?.startedAt ?? folder} ${folder}`

/** The target of a Markdown link, escaped so that it cannot be anything else. */
const destination = (path: string): string =>
  path
    .split('/')
    .map((part) =>
      encodeURIComponent(part.toWellFormed()).replace(
        /[!'()*]/g,
        (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
      ),
    )
    .join('/')
