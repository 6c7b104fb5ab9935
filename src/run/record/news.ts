import { sha256 } from '../../kernel/json.ts'
import type { News } from '../engine/announce.ts'
import type { Stored } from '../journal/entry.ts'
import { stateOf, type RunState } from '../journal/state.ts'
import { standingOf } from '../journal/standing.ts'
import { downNews } from '../journal/down.ts'

/**
 * What the operators have to know: that a run failed, was rolled back, was stopped, waits for a person, or was found
 * killed. The key is the same for the same state, so that a resume that ends where it began announces nothing again.
 * @param entries for a run that is about to be resumed, those of before the resume
 * @param watched what happens to a run that was found killed, where it is not being resumed or rolled back now
 */
export function newsOf(entries: readonly Stored[], watched?: string): News | null {
  const state = stateOf(entries)
  const found = foundIn(state, entries, watched)
  if (found === null) return null
  const { plan, opened } = state
  const standing = standingOf(entries)
  const list = (label: string, titles: readonly string[]): readonly string[] =>
    state.settled !== null || titles.length === 0 ? [] : [`${label}: ${titles.join(', ')}.`]
  return {
    key: found.key,
    text: [
      ...downNews(entries),
      `${plan.title} on ${String(plan.target['name'])}: ${found.says}`,
      ...list('Changed and not undone', standing.changed),
      ...list('Perhaps changed', standing.unsure),
      ...(found.next.length === 0 ? [] : [`Next: ${found.next.join(', or: ')}.`]),
      `Run ${entries[0]?.run ?? ''}, started by ${opened.by} on ${opened.host}.`,
    ].join(' '),
  }
}

/** That a run failed and begins to roll back, which may take long; null where a person asked for it or nothing changed. */
export function turningNewsOf(entries: readonly Stored[]): News | null {
  const { plan, opened } = stateOf(entries)
  const turn = entries.findLast(({ entry }) => entry.type === 'turned')?.entry
  const { changed, unsure } = standingOf(entries)
  if (turn?.type !== 'turned' || turn.failure === null || changed.length + unsure.length === 0) return null
  return {
    key: 'turned',
    text: [
      ...downNews(entries),
      `${plan.title} on ${String(plan.target['name'])}: failed and is being rolled back now: ${turn.failure.message}. Its end will be reported.`,
      `Run ${entries[0]?.run ?? ''}, started by ${opened.by} on ${opened.host}.`,
    ].join(' '),
  }
}

type Found = { readonly key: string; readonly says: string; readonly next: readonly string[] }

function foundIn(state: RunState, entries: readonly Stored[], watched: string | undefined): Found | null {
  const { settled } = state
  const why = settled?.failure?.message ?? ''
  if (settled === null)
    return state.interrupted === null ? killedIn(state, entries, watched) : stoppedIn(state, entries)
  if (settled.outcome === 'rolled-back')
    return {
      key: 'rolled-back',
      says: settled.failure === null ? 'rolled back as requested.' : `failed and is rolled back: ${why}.`,
      next: [],
    }
  if (settled.outcome !== 'needs-human' || state.released) return null
  const says =
    state.way === 'back' ? `failed, and its rollback is INCOMPLETE: ${why}.` : `waits for a person: ${why}.`
  return { key: `needs-human-${sha256(why).slice(0, 12)}`, says, next: commandsOf(state, entries) }
}

const besides: readonly string[] = ['announcing', 'announced', 'attempting', 'attempted', 'acknowledged']

/** A run that ended without an entry that says so, after it had begun to act. */
function killedIn(state: RunState, entries: readonly Stored[], watched: string | undefined): Found | null {
  // These change nothing: whoever is killed right after them finds the same kill.
  const last = entries.findLast(({ entry }) => !besides.includes(entry.type))
  if (last === undefined || state.released || !hasBegun(state)) return null
  return {
    key: `killed-${last.seq}`,
    says: `was found killed after ${last.at}, and ${watched ?? 'is being resumed or rolled back now'}.`,
    next: watched === undefined ? [] : commandsOf(state, entries),
  }
}

/** A run that was stopped by a signal, or by the loss of a lock, and stays open. */
function stoppedIn(state: RunState, entries: readonly Stored[]): Found | null {
  const stop = entries.findLast(({ entry }) => entry.type === 'interrupted')
  if (stop === undefined || state.released || !hasBegun(state)) return null
  const signals: { readonly [signal: string]: string } = { SIGINT: 'Ctrl-C', SIGTERM: 'TERM' }
  const signal = state.interrupted ?? ''
  return {
    key: `stopped-${stop.seq}`,
    says:
      signal in signals
        ? `was stopped by ${signals[signal]} and is open.`
        : `stopped by itself (${signal}) and is open.`,
    next: commandsOf(state, entries),
  }
}

const hasBegun = ({ steps }: RunState): boolean => [...steps.values()].some(({ attempts }) => attempts > 0)

/** The commands that an open run accepts. */
export function commandsOf(state: RunState, entries: readonly Stored[]): readonly string[] {
  const run = entries[0]?.run ?? ''
  const rollback = `runbook rollback ${run}`
  if (state.way === 'back') return [rollback]
  return [`runbook resume ${run}`, ...(state.pivoted ? [] : [rollback])]
}
