import { oneLine } from '../kernel/sanitize.ts'
import type { Stored } from '../run/journal/entry.ts'
import { standingOf, type Standing } from '../run/journal/standing.ts'
import { downLines } from '../run/journal/down.ts'

/** What the run has changed and not undone. */
export const changedLines = ({ changed, unsure }: Standing): readonly string[] => [
  ...list('Changed and not undone', changed),
  ...list('Perhaps changed', unsure),
]

const list = (label: string, titles: readonly string[]): readonly string[] =>
  titles.length === 0 ? [] : [`${label}: ${titles.map(oneLine).join(', ')}`]

/** How to bring up what is down once nobody resumes the run or rolls it back: nothing else starts it. */
export function startHints({ down, starts, looks, unconfirmedSince }: Standing): readonly string[] {
  if (down.length === 0 && unconfirmedSince === null) return []
  const lead =
    down.length > 0
      ? 'Look at the data, then start what is down'
      : 'Look at the data, then start what does not run'
  return [
    ...looks.map((line) => `What runs now: ${oneLine(line)}`),
    ...(starts.length === 0 ? [`${lead}.`] : starts.map((line) => `${lead}: ${oneLine(line)}`)),
  ]
}

/** That a run of a list is open, what is down, and what says the rest. */
export function openLine(run: string, entries: readonly Stored[]): string {
  const down = downLines(standingOf(entries)).map((text) => `. ${text.replace(/\.$/, '')}`)
  return `${run} is open${down.join('')}. What to type next: runbook status`
}
