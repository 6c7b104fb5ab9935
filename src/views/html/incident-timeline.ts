import { scaleUtc } from 'd3-scale'
import type { Incident, IncidentRun } from '../../run/record/incident.ts'
import { isVerified } from '../../run/record/incident.ts'
import type { RunRecord } from '../../run/record/record.ts'
import { duration, moment } from '../amounts.ts'
import { paragraph, type Inline } from '../document.ts'
import { result } from '../result.ts'
import { blockAsHtml, inlineAsHtml, sectionAsHtml } from './blocks.ts'
import { line, picture, rect, rounded } from './drawing.ts'
import { fragment, type Html } from './template.ts'

type Bar = { readonly from: number; readonly to: number; readonly look: string; readonly says: string }
type Row = { readonly label: Inline; readonly bars: readonly Bar[]; readonly says: Inline }

/** What was down when, and which run worked on it, by the clock. Empty where nothing took any time. */
export function incidentTimelineAsHtml(incident: Incident, runs: readonly IncidentRun[]): readonly Html[] {
  const { span, alarm, targets } = incident
  if (span === null || span.from === span.to) return []
  const end = Date.parse(span.to)
  const scale = scaleUtc([new Date(span.from), new Date(span.to)], [0, 100])
  const x = (at: number): number => rounded(scale(new Date(at)))
  const ticks = scale.ticks(4).map((tick) => tick.getTime())
  const rows: readonly Row[] = [
    ...targets.map(({ target, outages }): Row => {
      const bars = outages.map(({ from, to }): Bar => {
        const how = to === null ? 'not confirmed up again' : `until ${moment(to)}`
        const says = `down from ${moment(from)}, ${how}`
        return { from: Date.parse(from), to: to === null ? end : Date.parse(to), look: 'down', says }
      })
      const says = bars.length === 0 ? 'not taken down' : bars.map((bar) => bar.says).join('; ')
      return { label: [{ strong: 'Down: ' }, target], bars, says }
    }),
    ...runs
      .flatMap((run) => (run.record !== null && isVerified(run) ? [run.record] : []))
      .sort((one, other) => Date.parse(one.startedAt) - Date.parse(other.startedAt))
      .map((record) => rowOf(record, end)),
  ]
  const grid = fragment`${ticks.map((at) => line('grid', x(at)))}${alarm === null ? [] : [line('mark', x(Date.parse(alarm)))]}`
  const body = rows.map(({ label, bars, says }) => {
    const drawn = bars.map(({ look, from, to }) => rect(look, x(from), x(to)))
    const drawing = picture(bars.map((bar) => bar.says).join('; '), [grid, ...drawn])
    return fragment`<tr><th scope="row">${inlineAsHtml(label)}</th><td class="track">${drawing}</td><td>${inlineAsHtml(says)}</td></tr>\n`
  })
  const stamp = stampFor(end - Date.parse(span.from))
  const axis = picture(
    `From ${moment(span.from)} to ${moment(span.to)}`,
    ticks.map((at) => {
      const anchor = x(at) < 5 ? 'start' : x(at) > 90 ? 'end' : 'middle'
      return fragment`<text x="${x(at)}%" y="13" text-anchor="${anchor}">${stamp(at)}</text>`
    }),
  )
  const head = fragment`<tr><th scope="col">What</th><th scope="col" class="track">${axis}</th><th scope="col">When (UTC)</th></tr>`
  const table = fragment`<table class="timeline">\n<thead>\n${head}\n</thead>\n<tbody>\n${body}</tbody>\n</table>\n`
  const legend =
    alarm === null ? [] : [blockAsHtml(paragraph('The dashed line is the alarm, ', moment(alarm), '.'))]
  return [sectionAsHtml('Timeline', [table, ...legend])]
}

function rowOf(record: RunRecord, end: number): Row {
  const { startedAt, endedAt, released, runbook, target, outcome } = record
  const until = released?.at ?? endedAt
  const [from, to] = [Date.parse(startedAt), until === null ? end : Date.parse(until)]
  const look =
    { succeeded: 'done', 'rolled-back': 'undo', 'needs-human': 'failed' }[String(outcome)] ?? 'unknown'
  const took = until === null ? 'not finished' : duration(Math.max(0, to - from) / 1000)
  const says = `${moment(startedAt)}, ${took}: ${result(record)}`
  return { label: [runbook, ' on ', target], bars: [{ from, to: Math.max(from, to), look, says }], says }
}

/** As exact as the length of the axis allows. */
const stampFor =
  (milliseconds: number) =>
  (at: number): string => {
    const iso = new Date(at).toISOString()
    if (milliseconds < 600_000) return iso.slice(11, 19)
    return milliseconds < 172_800_000 ? iso.slice(11, 16) : iso.slice(5, 10)
  }
