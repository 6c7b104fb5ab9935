import { sha256 } from '../../kernel/json.ts'
import type { News } from '../engine/announce.ts'
import type { Stored } from '../journal/entry.ts'
import { stateOf, type RunState } from '../journal/state.ts'
import { standingOf } from '../journal/standing.ts'

/**
 * What the operators have to know: that a run failed, went back, waits for a person, or was found killed. The
 * key is the same for the same state, so that a resume that ends where it began announces nothing again.
 * @param entries for a run that is about to be resumed, those of before the resume
 */
export function newsOf(entries: readonly Stored[]): News | null {
  const state = stateOf(entries)
  const found = foundIn(state, entries)
  if (found === null) return null
  const { plan, opened } = state
  const down = standingOf(entries).down.map(({ service, since }) => `${service} (since ${since})`)
  return {
    key: found.key,
    text: [
      `${plan.title} on ${String(plan.target['name'])}: ${found.says}`,
      ...(down.length === 0 ? [] : [`DOWN: ${down.join(', ')}.`]),
      ...(found.next.length === 0 ? [] : [`Next: ${found.next.join(' or ')}.`]),
      `Run ${entries[0]?.run ?? ''}, started by ${opened.by} on ${opened.host}.`,
    ].join(' '),
  }
}

type Found = { readonly key: string; readonly says: string; readonly next: readonly string[] }

function foundIn(state: RunState, entries: readonly Stored[]): Found | null {
  const { settled } = state
  const why = settled?.failure?.message ?? ''
  if (settled === null) return killedIn(state, entries)
  if (settled.outcome === 'rolled-back')
    return {
      key: 'rolled-back',
      says: settled.failure === null ? 'rolled back as requested.' : `failed and is rolled back: ${why}.`,
      next: [],
    }
  if (settled.outcome !== 'needs-human') return null
  const says =
    state.way === 'back' ? `failed, and its rollback is INCOMPLETE: ${why}.` : `waits for a person: ${why}.`
  return { key: `needs-human-${sha256(why).slice(0, 12)}`, says, next: commandsOf(state, entries) }
}

/** A run that ended without an entry that says so, after it had begun to act. */
function killedIn(state: RunState, entries: readonly Stored[]): Found | null {
  const last = entries.at(-1)
  const acted = [...state.steps.values()].some(({ attempts }) => attempts > 0)
  if (last === undefined || state.interrupted !== null || state.released || !acted) return null
  return {
    key: `killed-${last.seq}`,
    says: `was found killed after ${last.at}, and is being resumed or rolled back now.`,
    next: [],
  }
}

function commandsOf(state: RunState, entries: readonly Stored[]): readonly string[] {
  const run = entries[0]?.run ?? ''
  const rollback = `runbook rollback ${run}`
  if (state.way === 'back') return [rollback]
  return [`runbook resume ${run}`, ...(state.pivoted ? [] : [rollback])]
}
