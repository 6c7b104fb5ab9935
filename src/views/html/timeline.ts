import { scaleUtc } from 'd3-scale'
import { paragraph, type Inline } from '../document.ts'
import type { RunRecord } from '../../run/record/record.ts'
import type { AttemptRecord, StepRecord } from '../../run/record/step-record.ts'
import { duration } from '../amounts.ts'
import { happened, statuses } from '../report/words.ts'
import { blockAsHtml, inlineAsHtml, sectionAsHtml } from './blocks.ts'
import { line, picture, rect, rounded } from './drawing.ts'
import { fragment, type Html } from './template.ts'

/** Milliseconds since the start of the run. */
type Span = { readonly from: number; readonly to: number; readonly look: Look; readonly says: string }
type Look = 'done' | 'failed' | 'unknown' | 'undo' | 'down'
type Row = { readonly label: Inline; readonly spans: readonly Span[]; readonly outcome: Inline }
type Mark = { readonly at: number; readonly what: string }

/**
 * When each step and each undo ran, and when the service was down, as a table with a drawing in each row: long
 * names wrap, and a reader without pictures gets the same as text. Empty for a run in which nothing was tried.
 */
export function timelineAsHtml(record: RunRecord): readonly Html[] {
  const since = (at: string): number => Math.max(0, Date.parse(at) - Date.parse(record.startedAt))
  const times = [
    ...(record.endedAt === null ? [] : [record.endedAt]),
    ...record.events.map(({ at }) => at),
    ...record.steps.flatMap(({ attempts, undo }) =>
      [...attempts, ...undo].flatMap(({ startedAt, endedAt }) => [startedAt, endedAt]),
    ),
  ].filter((at) => at !== null)
  const end = Math.max(1, ...times.map(since).filter(Number.isFinite))
  const rows = [
    ...outages(record, since, end),
    ...record.steps.flatMap((step) => forward(step, since, end)),
    ...record.steps.flatMap((step) => back(step, since, end)).sort(byStart),
  ]
  if (record.steps.every(({ attempts }) => attempts.length === 0)) return []
  const marks = record.events
    .filter(({ what }) => ['pivoted', 'turned', 'interrupted', 'resumed'].includes(what))
    .map(({ at, what }): Mark => ({ at: since(at), what: happened[what] }))
  // Ticks at round durations: the scale counts from 1970, when a duration of zero is.
  const scale = scaleUtc()
    .domain([new Date(0), new Date(end)])
    .range([0, 100])
  const x = (at: number): number => rounded(scale(new Date(Math.min(Math.max(at, 0), end))))
  const ticks = scale.ticks(4).map((tick) => tick.getTime())
  const grid = fragment`${ticks.map((at) => line('grid', x(at)))}${marks.map(({ at }) => line('mark', x(at)))}`
  const body = rows.map(({ label, spans, outcome }) => {
    const says = spans.map(({ says }) => says).join('; ')
    const drawing = picture(says, [grid, ...spans.map((span) => bar(span, x))])
    return fragment`<tr><th scope="row">${inlineAsHtml(label)}</th><td class="track">${drawing}</td><td>${inlineAsHtml(outcome)}</td></tr>\n`
  })
  const axis = picture(
    `Time since the start of the run, until ${stamp(end)}`,
    ticks.map((at) => tickLabel(at, x(at))),
  )
  const head = fragment`<tr><th scope="col">Step</th><th scope="col" class="track">${axis}</th><th scope="col">Outcome</th></tr>`
  const table = fragment`<table class="timeline">\n<thead>\n${head}\n</thead>\n<tbody>\n${body}</tbody>\n</table>\n`
  const legend =
    marks.length === 0 ? null : blockAsHtml(paragraph('Dashed lines: ', marksInWords(marks), '.'))
  return [sectionAsHtml('Timeline', legend === null ? [table] : [table, legend])]
}

type Since = (at: string) => number

function outages({ outages = [] }: RunRecord, since: Since, end: number): readonly Row[] {
  if (outages.length === 0) return []
  const spans = outages.map(({ from, to }): Span => {
    const [begin, until] = [since(from), to === null ? end : since(to)]
    const how = to === null ? ', not confirmed up again' : ` until ${stamp(until)}`
    return { from: begin, to: until, look: 'down', says: `down from ${stamp(begin)}${how}` }
  })
  return [{ label: { strong: 'Service down' }, spans, outcome: spans.map(({ says }) => says).join('; ') }]
}

function forward(step: StepRecord, since: Since, end: number): readonly Row[] {
  if (step.attempts.length === 0) return []
  const spans = spansOf(step.attempts, since, end, 'done')
  return [{ label: step.title, spans, outcome: [statuses[step.status], tookOf(step.attempts.at(-1))] }]
}

function back(step: StepRecord, since: Since, end: number): readonly Row[] {
  if (step.undo.length === 0) return []
  const outcome: Inline = {
    'not needed': '',
    undone: 'undone',
    failed: { strong: 'undo failed' },
    'in doubt': { strong: 'in doubt' },
  }[step.undone]
  const spans = spansOf(step.undo, since, end, 'undo')
  return [{ label: ['Undo of ', step.title], spans, outcome: [outcome, tookOf(step.undo.at(-1))] }]
}

const byStart = (one: Row, other: Row): number => (one.spans[0]?.from ?? 0) - (other.spans[0]?.from ?? 0)

const tookOf = (one: AttemptRecord | undefined): string =>
  one === undefined || one.milliseconds === null ? '' : `, ${duration(one.milliseconds / 1000)}`

/** An attempt without an ending lasts until the next one, or to the end: nobody recorded when it ended. */
function spansOf(attempts: readonly AttemptRecord[], since: Since, end: number, well: Look): readonly Span[] {
  return attempts.map(({ startedAt, endedAt, result }, index) => {
    const next = attempts[index + 1]
    const until = endedAt ?? next?.startedAt ?? next?.endedAt ?? null
    const to = until === null ? end : since(until)
    const from = startedAt === null ? to : since(startedAt)
    const look: Look =
      result === 'cut off' ? 'unknown' : ['failed', 'timeout'].includes(result) ? 'failed' : well
    const words = result === 'cut off' ? 'interrupted' : result
    return { from, to, look, says: `from ${stamp(from)} to ${stamp(to)}, ${words}` }
  })
}

/** `+1m 30s` after the start. */
const stamp = (at: number): string => (at === 0 ? 'the start' : `+${duration(at / 1000)}`)

const bar = ({ from, to, look }: Span, x: (at: number) => number): Html => rect(look, x(from), x(to))

function tickLabel(at: number, x: number): Html {
  const anchor = x === 0 ? 'start' : x > 90 ? 'end' : 'middle'
  return fragment`<text x="${x}%" y="13" text-anchor="${anchor}">${at === 0 ? '0' : duration(at / 1000)}</text>`
}

const marksInWords = (marks: readonly Mark[]): string =>
  marks.map(({ at, what }) => `${what.toLowerCase()} at ${stamp(at)}`).join(', ')
