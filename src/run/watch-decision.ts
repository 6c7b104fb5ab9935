import type { Plan } from '../model/plan.ts'
import type { Level, Operators } from '../sections/operators.ts'
import type { Watch } from '../sections/watch.ts'
import type { News } from './engine/announce.ts'
import { lostLock } from './journal/code.ts'
import type { Entry, Stored } from './journal/entry.ts'
import { isOpen } from './journal/journal.ts'
import { stateOf, type RunState } from './journal/state.ts'
import { downNews } from './journal/down.ts'
import { newsOf } from './record/news.ts'

/** `boot`: which start of the machine this is; null where it is not known. */
export type Present = { readonly now: Date; readonly boot: string | null }

/** What the target says about runs that nobody works on. */
export type WatchedTarget = {
  readonly watch: Watch
  readonly operators: Pick<Operators, 'contacts' | 'escalation'> | null
}

/** What is due on an open run that no living process holds. */
export type Due =
  | { readonly do: 'nothing' }
  /** `to`: names of channels; null for all. */
  | { readonly do: 'tell'; readonly news: News; readonly to: readonly string[] | null }
  | { readonly do: 'attempt'; readonly way: 'forward' | 'back' }

/** Attempts in a row that the death of the watching process ended; one that ended by itself is the only one. */
const mostAttempts = 3

/** Time after which the next level is called where a level does not say it, in seconds. */
const patience = 15 * 60

const nothing: Due = { do: 'nothing' }

/**
 * Decides what is due. Everything that was done is in the entries, so that a process that was killed and started again
 * goes on where it was. Pure.
 */
export function dueOn(entries: readonly Stored[], { now, boot }: Present, target: WatchedTarget): Due {
  const state = stateOf(entries)
  const { opened, released, settled } = state
  if (!isOpen({ mode: opened.mode, released, outcome: settled?.outcome ?? null })) return nothing
  const died = state.settled === null && (state.interrupted === null || isStrayed(entries, boot))
  const way = died ? wayOf(state, target.watch) : null
  const attempts = attemptsIn(entries)
  const found = newsOf(
    entries,
    died && state.interrupted === null ? plansOf(way, target.watch, attempts) : undefined,
  )
  if (found !== null && !isAnswered(entries, found.key)) return { do: 'tell', news: found, to: null }
  if (isAcknowledged(entries)) return nothing
  if (way !== null && !attempts.failed && attempts.begun < mostAttempts) {
    const from = found === null ? null : timeOf(entries, found.key)
    // The time of the people is over once an attempt began, also where that one was killed.
    const due = from === null || attempts.begun > 0 ? 0 : from + target.watch.afterSeconds * 1000
    return now.getTime() >= due ? { do: 'attempt', way } : nothing
  }
  if (attempts.failed && state.settled === null) {
    const news = failedNews(entries, attempts)
    if (!isAnswered(entries, news.key)) return { do: 'tell', news, to: null }
  }
  if (found === null) return nothing
  // Whoever stopped it, or saw it fail, may be at work on it.
  const wait = died ? 0 : patience * 1000
  return callOf(entries, now, found, (timeOf(entries, found.key) ?? 0) + wait, target.operators)
}

/** Stopped together with its machine, or with the watch that worked on it: not by a person who wanted it. */
function isStrayed(entries: readonly Stored[], boot: string | null): boolean {
  const stop = entries.findLast(({ entry }) => entry.type === 'interrupted')?.entry
  if (stop?.type !== 'interrupted' || stop.signal === lostLock) return false
  if (stop.boot !== undefined && boot !== null && stop.boot !== boot) return true
  const worked = entries.filter(({ entry }) => entry.type === 'resumed' || entry.type === 'attempting')
  return worked.at(-1)?.entry.type === 'resumed' && worked.at(-2)?.entry.type === 'attempting'
}

/** Null: people decide. */
function wayOf({ way, pivoted }: RunState, { policy }: Watch): 'forward' | 'back' | null {
  if (policy === 'tell') return null
  if (way === 'back') return 'back'
  if (policy === 'resume') return 'forward'
  return pivoted ? null : 'back'
}

type Attempts = {
  readonly begun: number
  /** One ended and left the run open. */
  readonly failed: boolean
  readonly problem: string | null
  readonly seq: number
}

/** Those since a person last worked on the run. */
function attemptsIn(entries: readonly Stored[]): Attempts {
  let attempts: Attempts = { begun: 0, failed: false, problem: null, seq: 0 }
  let before: Entry['type'] | null = null
  for (const { entry, seq } of entries) {
    if (entry.type === 'resumed' && before !== 'attempting')
      attempts = { begun: 0, failed: false, problem: null, seq: 0 }
    if (entry.type === 'attempting') attempts = { ...attempts, begun: attempts.begun + 1, seq }
    if (entry.type === 'attempted') attempts = { ...attempts, failed: true, problem: entry.problem }
    if (!isNews(entry)) before = entry.type
  }
  return attempts
}

const isNews = ({ type }: Entry): boolean => type === 'announcing' || type === 'announced'

/** Every channel has answered, or a person was told by the run itself. */
export const isAnswered = (entries: readonly Stored[], key: string): boolean =>
  entries.some(({ entry }) => entry.type === 'announced' && entry.key === key)

/** When it was told; null if it was not. */
export const timeOf = (entries: readonly Stored[], key: string): number | null => {
  const told = entries.find(({ entry }) => entry.type === 'announcing' && entry.key === key)
  return told === undefined ? null : Date.parse(told.at)
}

/** By a person, since anybody last worked on the run. */
function isAcknowledged(entries: readonly Stored[]): boolean {
  const last = entries.findLast(({ entry }) => !isNews(entry) && entry.type !== 'sealed')
  return last?.entry.type === 'acknowledged'
}

function plansOf(way: 'forward' | 'back' | null, { afterSeconds }: Watch, attempts: Attempts): string {
  if (way === null || attempts.failed || attempts.begun >= mostAttempts) return 'nobody works on it'
  const act = way === 'back' ? 'is rolled back' : 'is resumed'
  return `${act} by the watch ${afterSeconds === 0 || attempts.begun > 0 ? 'now' : `in ${afterSeconds} s unless somebody acknowledges`}`
}

export const unsealedKey = 'unsealed'

/** Told once, however often sealing fails. */
export const unsealedNews = (run: string, plan: Plan, problem: string): News => ({
  key: unsealedKey,
  text: `${plan.title} on ${String(plan.target['name'])}: ${problem}. Next: runbook resume ${run}.`,
})

function failedNews(entries: readonly Stored[], { problem, seq }: Attempts): News {
  const { plan } = stateOf(entries)
  const run = entries[0]?.run ?? ''
  return {
    key: `attempt-${seq}`,
    text: [
      ...downNews(entries),
      `${plan.title} on ${String(plan.target['name'])}: the watch tried once and did not settle it: ${problem ?? 'it is still open'}. A person has to: runbook status. Run ${run}.`,
    ].join(' '),
  }
}

function callOf(
  entries: readonly Stored[],
  now: Date,
  found: News,
  from: number,
  operators: WatchedTarget['operators'],
): Due {
  const { plan } = stateOf(entries)
  const ladder = ladderOf(operators?.escalation ?? [], plan.runbook)
  const called = entries.flatMap(({ entry, at }) =>
    entry.type === 'announcing' && entry.key.startsWith('call-') && entry.key.endsWith(`-${found.key}`)
      ? [{ key: entry.key, at: Date.parse(at) }]
      : [],
  )
  const last = called.at(-1)
  const place = called.length
  // The process was killed between the two entries of a call.
  if (last !== undefined && !isAnswered(entries, last.key))
    return callOn(ladder[place - 1], place - 1, entries, found, operators)
  const due = last === undefined ? from : last.at + (ladder[place - 1]?.afterSeconds ?? patience) * 1000
  return now.getTime() < due ? nothing : callOn(ladder[place], place, entries, found, operators)
}

/** The levels after the last one that lists the runbook: that one was tried. */
const ladderOf = (levels: readonly Level[], runbook: string): readonly Level[] =>
  levels.slice(levels.findLastIndex(({ runbooks }) => runbooks.includes(runbook)) + 1)

function callOn(
  level: Level | undefined,
  place: number,
  entries: readonly Stored[],
  found: News,
  operators: WatchedTarget['operators'],
): Due {
  if (level === undefined) return nothing
  const { plan } = stateOf(entries)
  const run = entries[0]?.run ?? ''
  const contact = operators?.contacts.find(({ role }) => role === level.who)
  const whom = contact === undefined ? '' : ` (${contact.role}: ${contact.reach})`
  return {
    do: 'tell',
    to: level.channels ?? null,
    news: {
      key: `call-${place + 1}-${found.key}`,
      text: [
        ...downNews(entries),
        `${plan.title} on ${String(plan.target['name'])} still waits for a person. Next: ${level.what}${whom}. Whoever takes it: runbook ack ${run}`,
      ].join(' '),
    },
  }
}
