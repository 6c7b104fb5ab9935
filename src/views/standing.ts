import { oneLine } from '../kernel/sanitize.ts'
import type { Standing } from '../run/journal/standing.ts'

/** What is down, which is what a person must know first; nothing if the run stopped no service. */
export function downLines({ down, unconfirmedSince }: Standing): readonly string[] {
  const stopped = down.filter(({ died }) => died !== true)
  const times = [...new Set(stopped.map(({ since }) => since))]
  const lines = [
    ...down
      .filter(({ died }) => died === true)
      .map(
        ({ service, since }) =>
          `DOWN since ${since}: ${oneLine(service)} (it stopped answering during this run, which has not stopped it)`,
      ),
    ...times.map((time) => {
      const names = stopped.filter(({ since }) => since === time).map(({ service }) => oneLine(service))
      return `DOWN since ${time}: ${names.join(', ')} (stopped by this run, not started again)`
    }),
  ]
  if (lines.length > 0 || unconfirmedSince === null) return lines
  return [`Perhaps DOWN since ${unconfirmedSince}: no health check has succeeded since then.`]
}

/** What the run has changed and not undone. */
export const changedLines = ({ changed, unsure }: Standing): readonly string[] => [
  ...list('Changed and not undone', changed),
  ...list('Perhaps changed', unsure),
]

const list = (label: string, titles: readonly string[]): readonly string[] =>
  titles.length === 0 ? [] : [`${label}: ${titles.map(oneLine).join(', ')}`]
