import type { JsonObject } from '../kernel/json.ts'
import type { Objectives } from '../model/target.ts'
import type { Plan } from '../model/plan.ts'
import type { Stored } from './entry.ts'

export type Measure = JsonObject & {
  /** Null where it could not be measured; `why` then says why. Never negative. */
  readonly seconds: number | null
  readonly why: string | null
  readonly objectiveSeconds: number | null
  readonly verdict: 'met' | 'missed' | 'unknown' | 'no objective'
}

export type Measures = JsonObject & {
  /** From the start of the run to the service being up again. */
  readonly rto: Measure
  /** All the time in which the service was down. */
  readonly downtime: Measure
  /** From the moment as of which the data now is, to the moment from which the service was down: what was lost. */
  readonly rpo: Measure
  readonly dataAsOf: string | null
}

/**
 * Told from the journal alone, by the wall clock of its entries: no other clock survives a resume on a machine that was restarted.
 * What cannot be told is unknown, with the reason; nothing is guessed and nothing is zero for want of a measurement.
 */
export function measuresOf(entries: readonly Stored[]): Measures {
  const story = timesOf(entries)
  const { rtoSeconds, rpoSeconds } = objectivesOf(story.plan)
  if (story.mode === 'dry-run') {
    const none = { why: 'a dry run measures nothing' }
    return { rto: judged(none, rtoSeconds), downtime: judged(none, null), rpo: judged(none, rpoSeconds), dataAsOf: null }
  }
  return {
    rto: judged(rtoOf(story), rtoSeconds),
    downtime: judged(downtimeOf(story), null),
    rpo: judged(rpoOf(story), rpoSeconds),
    dataAsOf: story.data?.asOf ?? null,
  }
}

type Found = { readonly seconds: number } | { readonly why: string }

function judged(found: Found, objectiveSeconds: number | null): Measure {
  const seconds = 'seconds' in found ? found.seconds : null
  const why = 'why' in found ? found.why : null
  if (objectiveSeconds === null) return { seconds, why, objectiveSeconds, verdict: 'no objective' }
  return { seconds, why, objectiveSeconds, verdict: seconds === null ? 'unknown' : seconds <= objectiveSeconds ? 'met' : 'missed' }
}

function between(from: string, to: string, backwards: string): Found {
  const milliseconds = Date.parse(to) - Date.parse(from)
  if (Number.isNaN(milliseconds)) return { why: `${Number.isNaN(Date.parse(from)) ? from : to} is no moment in time` }
  return milliseconds < 0 ? { why: backwards } : { seconds: milliseconds / 1000 }
}

function rtoOf({ plan, openedAt, endedWell, skipped, turned }: Times): Found {
  if (turned) return { why: 'the run went back, so it recovered nothing' }
  const wanted = plan.steps.filter((step) => step.marks.upAfter && !skipped.has(step.id))
  if (wanted.length === 0) return { why: 'no step of this run says that the service is up' }
  const lacking = wanted.find((step) => !endedWell.has(step.id))
  if (lacking !== undefined) return { why: `"${lacking.title}" has not ended well` }
  const last = wanted.map((step) => endedWell.get(step.id) ?? '').sort().at(-1) ?? ''
  return between(openedAt, last, 'the clock was set back during the run')
}

function downtimeOf({ plan, outages }: Times): Found {
  if (!plan.steps.some((step) => step.marks.downFrom)) return { why: 'no step of this runbook takes the service down' }
  let seconds = 0
  for (const { from, to } of outages) {
    if (to === null) return { why: 'the service was not seen to come up again' }
    const one = between(from, to, 'the clock was set back during the run')
    if ('why' in one) return one
    seconds += one.seconds
  }
  return { seconds: Math.round(seconds * 1000) / 1000 }
}

function rpoOf({ data, outages, openedAt }: Times): Found {
  if (data === null) return { why: 'this run brought no data of another time' }
  return between(data.asOf, outages[0]?.from ?? openedAt, 'the data is dated later than the moment from which the service was down')
}

interface Times {
  readonly plan: Plan
  readonly mode: 'run' | 'dry-run'
  readonly openedAt: string
  /** When each step last ended well. */
  readonly endedWell: ReadonlyMap<string, string>
  readonly skipped: ReadonlySet<string>
  readonly turned: boolean
  readonly outages: readonly { readonly from: string; readonly to: string | null }[]
  /** The newest data that was brought and not taken back. */
  readonly data: { readonly asOf: string } | null
}

/**
 * The service is down from the beginning of the first `downFrom` step to the end of an `upAfter` one. On the way back it counts as
 * down as soon as anything since then is taken back, and as up when the step that first took it down has been.
 */
function timesOf(entries: readonly Stored[]): Times {
  const first = entries[0]
  if (first?.entry.type !== 'opened') throw new TypeError('a run begins with its opening')
  const { plan, mode } = first.entry
  const marks = new Map(plan.steps.map((step, position) => [step.id, { ...step.marks, position }]))
  const endedWell = new Map<string, string>()
  const skipped = new Set<string>()
  let turned = false
  const data = new Map<string, string>()
  const outages: { from: string; to: string | null }[] = []
  let stopper: string | null = null
  const position = (step: string): number => marks.get(step)?.position ?? -1
  const down = (at: string): void => {
    if (outages.at(-1)?.to !== null) outages.push({ from: at, to: null })
  }
  const up = (at: string): void => {
    const last = outages.at(-1)
    if (last?.to === null) last.to = at
  }
  const begins = (step: string, at: string): void => {
    if (marks.get(step)?.downFrom !== true) return
    stopper ??= step
    down(at)
  }
  for (const { at, entry } of entries) {
    switch (entry.type) {
      case 'intent':
        begins(entry.step, at)
        break
      case 'ended':
        if (entry.failure !== null) break
        // What was done already has no intent.
        if (!endedWell.has(entry.step) && entry.result === 'already') begins(entry.step, at)
        endedWell.set(entry.step, at)
        if (typeof entry.dataAsOf === 'string') data.set(entry.step, entry.dataAsOf)
        if (marks.get(entry.step)?.upAfter === true) up(at)
        break
      case 'skipped':
        skipped.add(entry.step)
        break
      case 'undo-intent':
        if (stopper !== null && position(entry.step) >= position(stopper)) down(at)
        break
      case 'turned':
        turned = true
        break
      case 'undo-ended':
        if (entry.result === 'failed') break
        data.delete(entry.step)
        if (entry.step === stopper) up(at)
        break
      default:
        break
    }
  }
  const newest = [...data.values()].at(-1)
  return { plan, mode, openedAt: first.at, endedWell, skipped, turned, outages, data: newest === undefined ? null : { asOf: newest } }
}

function objectivesOf(plan: Plan): Objectives {
  const { rtoSeconds, rpoSeconds } = (plan.target['objectives'] ?? {}) as Partial<Objectives>
  return { rtoSeconds: rtoSeconds ?? null, rpoSeconds: rpoSeconds ?? null }
}
