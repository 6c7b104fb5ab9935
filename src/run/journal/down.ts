import { oneLine } from '../../kernel/sanitize.ts'
import type { Stored } from './entry.ts'
import { standingOf, type Standing } from './standing.ts'
import { stateOf } from './state.ts'

type DownTogether = { readonly names: readonly string[]; readonly since: string; readonly died: boolean }

/** What went down at the same moment and for the same reason; servers that died first. */
export function downTogether({ down }: Pick<Standing, 'down'>): readonly DownTogether[] {
  const groups = Map.groupBy(down, ({ since, died }) => JSON.stringify([died !== true, since]))
  return [...groups.values()]
    .map((all) => ({
      names: all.map(({ service }) => oneLine(service)),
      since: all[0]?.since ?? '',
      died: all[0]?.died === true,
    }))
    .toSorted((one, other) => Number(other.died) - Number(one.died))
}

/** What is down, which is what a person must know first; nothing if the run stopped no service. */
export function downLines(standing: Standing): readonly string[] {
  const lines = downTogether(standing).map(({ names, since, died }) => {
    const why = died
      ? 'it stopped answering during this run, which has not stopped it'
      : 'stopped by this run, not started again'
    return `DOWN since ${since}: ${names.join(', ')} (${why})`
  })
  return lines.length > 0 ? lines : perhapsDown(standing)
}

const perhapsDown = ({ unconfirmedSince }: Standing): readonly string[] =>
  unconfirmedSince === null
    ? []
    : [`Perhaps DOWN since ${unconfirmedSince}: no health check has succeeded since then.`]

/** What is down, which comes first in a message: a telephone shows only the beginning. */
export function downNews(entries: readonly Stored[]): readonly string[] {
  const standing = standingOf(entries)
  const { settled } = stateOf(entries)
  if (standing.down.length > 0)
    return [
      `DOWN: ${standing.down.map(({ service, since, died }) => `${service} (since ${since}${died === true ? ', when it last answered' : ''})`).join(', ')}.`,
    ]
  const isOver = settled !== null && settled.outcome !== 'needs-human'
  return isOver ? [] : perhapsDown(standing)
}
