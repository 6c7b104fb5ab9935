import { oneLine } from '../kernel/sanitize.ts'
import type { PlannedStep } from '../model/plan.ts'
import type { Stored } from '../run/journal/entry.ts'
import { standingOf, type Standing } from '../run/journal/standing.ts'
import { stateOf } from '../run/journal/state.ts'
import { downTogether } from '../run/journal/down.ts'
import type { Estimate, Remaining } from '../run/record/estimate.ts'
import { measuresOf, type Measure } from '../run/record/measures.ts'
import type { PastTimes } from '../run/record/past-times.ts'
import { timeLeftOf } from '../run/record/time-left.ts'
import { coarse, timeOfDay } from './amounts.ts'
import { pastRuns } from './expected.ts'

/**
 * What a person at night asks of a run that is under way: how long it runs, what is down, whether the objective
 * will be met. Folds the entries once, so that it can be asked at every redraw.
 */
export function situationOf(
  entries: readonly Stored[],
  past: readonly PastTimes[],
): (now: Date) => readonly string[] {
  const state = stateOf(entries)
  const standing = standingOf(entries)
  const { rto, rpo } = measuresOf(entries)
  const timeLeft = timeLeftOf(entries, past)
  const backup = backupOf(entries)
  const goesBack = state.way === 'back'
  return (now) => {
    const { elapsedSeconds, objectiveLeftSeconds: left, estimate: seen } = timeLeft(now)
    return [
      `running for ${coarse(elapsedSeconds)}`,
      ...downFacts(standing, now),
      ...upFacts(rto),
      ...(state.pivoted ? ['past the point of no return'] : []),
      ...(left === null ? [] : [objectiveFact(rto.objectiveSeconds ?? 0, left)]),
      ...(seen === null ? [] : restFacts(seen, past.length, goesBack)),
      ...(left === null || seen === null ? [] : riskFacts(seen.rest, left)),
      ...(left === null || seen === null ? [] : backFacts(seen.back, left, past.length, now)),
      ...(seen?.asks === true && standing.down.length === 0 ? stopFacts(seen) : []),
      ...(backup === null ? [] : [backupFact(backup, rpo, now)]),
    ]
  }
}

function downFacts(standing: Standing, now: Date): readonly string[] {
  const { unconfirmedSince } = standing
  const groups = downTogether(standing)
  if (groups.length === 0)
    return unconfirmedSince === null ? [] : [`perhaps DOWN for ${ago(unconfirmedSince, now)}`]
  return groups.map(({ names, since }) => `DOWN for ${ago(since, now)}: ${names.join(', ')}`)
}

const ago = (since: string, now: Date): string => coarse((now.getTime() - Date.parse(since)) / 1000)

const upFacts = ({ seconds, objectiveSeconds, verdict }: Measure): readonly string[] =>
  seconds === null
    ? []
    : [
        `up again after ${coarse(seconds)}${objectiveSeconds === null ? '' : ` (RTO ${coarse(objectiveSeconds)} ${verdict})`}`,
      ]

const objectiveFact = (objectiveSeconds: number, left: number): string =>
  `RTO ${coarse(objectiveSeconds)}: ${left >= 0 ? `${coarse(left)} left` : `MISSED by ${coarse(-left)}`}`

function restFacts(
  { rest, until, answers, late }: Estimate,
  runs: number,
  goesBack: boolean,
): readonly string[] {
  if (rest === null) return []
  const people =
    answers === 0 ? '' : `, besides ${answers === 1 ? 'an answer' : `${answers} answers`} of people`
  const what = goesBack ? 'until it is rolled back' : until === 'up' ? 'until it is up' : 'until the end'
  const slow = late === null ? [] : [`"${oneLine(late)}" takes longer than it ever did here`]
  if ('unknown' in rest)
    return [...slow, runs === 0 ? 'no past run to estimate the rest from' : unknownFact(rest.unknown)]
  const { medianSeconds, p90Seconds } = rest
  return [
    ...slow,
    `about ${coarse(medianSeconds)} ${what} (90 %: ${coarse(p90Seconds)}; ${pastRuns(rest.runs)})${people}`,
  ]
}

const unknownFact = (titles: readonly string[]): string =>
  `rest not known: no past run of "${oneLine(titles[0] ?? '')}"${titles.length > 1 ? ` and ${titles.length - 1} more` : ''}`

function riskFacts(rest: Remaining | null, left: number): readonly string[] {
  if (rest === null || 'unknown' in rest || left < 0) return []
  if (rest.medianSeconds > left) return ['the objective will probably be MISSED']
  return rest.p90Seconds > left ? ['the objective is at risk'] : []
}

/** A rollback that would end too late in one of ten cases does not count as one that makes the objective. */
function backFacts(back: Remaining | null, left: number, runs: number, now: Date): readonly string[] {
  if (back === null || left < 0) return []
  if ('unknown' in back) return runs === 0 ? [] : ['no past rollback to estimate one from']
  const spare = left - back.p90Seconds
  const took = `(90 %: ${coarse(back.p90Seconds)})`
  return [
    spare >= 0
      ? `rolling back makes the objective until ${timeOfDay(new Date(now.getTime() + spare * 1000))} ${took}`
      : `rolling back no longer makes the objective ${took}`,
  ]
}

/** What an answer leads to, where a person is asked for it. */
function stopFacts({ down, until }: Estimate): readonly string[] {
  if (down === null) return []
  const { step, lasts } = down
  const { services } = step.input as { readonly services?: { readonly names?: unknown } }
  const names = services?.names
  const what = Array.isArray(names) ? names.join(', ') : `by "${step.title}"`
  const long =
    until !== 'up'
      ? ''
      : 'unknown' in lasts
        ? ' for an unknown time'
        : ` for about ${coarse(lasts.medianSeconds)} (90 %: ${coarse(lasts.p90Seconds)})`
  return [`the answer leads to DOWN: ${oneLine(what)}${long}`]
}

type ChosenBackup = { readonly name: string; readonly takenAt: string }

export const choosesBackup = ({ kind, effect }: Pick<PlannedStep, 'kind' | 'effect'>): boolean =>
  kind.startsWith('backups.') && effect === 'observe'

/** The backup that the run chose last; null before. */
export function backupOf(entries: readonly Stored[]): ChosenBackup | null {
  const choosing = new Set(
    stateOf(entries)
      .plan.steps.filter(choosesBackup)
      .map(({ id }) => id),
  )
  for (const { entry } of entries.toReversed()) {
    if (entry.type !== 'ended' || entry.failure !== null || !choosing.has(entry.step)) continue
    const { output } = entry
    if (typeof output !== 'object' || output === null || Array.isArray(output)) continue
    const { file, takenAt } = output as { readonly [field: string]: unknown }
    if (typeof file === 'string' && typeof takenAt === 'string')
      return { name: file.slice(file.lastIndexOf('/') + 1), takenAt }
  }
  return null
}

function backupFact({ name, takenAt }: ChosenBackup, { objectiveSeconds }: Measure, now: Date): string {
  const seconds = (now.getTime() - Date.parse(takenAt)) / 1000
  const old = Number.isNaN(seconds) ? `taken ${oneLine(takenAt)}` : `${coarse(seconds)} old`
  const objective =
    objectiveSeconds === null || Number.isNaN(seconds)
      ? ''
      : `, ${seconds > objectiveSeconds ? 'OLDER than' : 'within'} the RPO of ${coarse(objectiveSeconds)}`
  return `backup ${oneLine(name)}: ${old}${objective}`
}
