import type { Stored } from '../../src/run/journal/entry.ts'
import type { Way } from './points.ts'

/** What a run is bound to come to when nobody kills it. */
export type Fate =
  | { readonly outcome: 'succeeded' }
  | { readonly outcome: 'rolled-back'; readonly exit: 10 | 14 }

export type Command = {
  readonly type: Way
  readonly exit: number
  /** In what it says. */
  readonly says?: RegExp
}

/** What the documents promise to somebody who types the one or the other after a crash, told from what the journal says by then. */
export type Promised = {
  readonly commands: readonly Command[]
  readonly outcome: 'succeeded' | 'rolled-back' | 'never begun'
}

export function promisedAfter(entries: readonly Stored[], way: Way, fate: Fate): Promised {
  const has = (type: string): boolean => entries.some(({ entry }) => entry.type === type)
  if (entries.length === 0)
    return { commands: [{ type: way, exit: 2, says: /no run is open/i }], outcome: 'never begun' }
  const forward: Command = { type: 'resume', exit: fate.outcome === 'succeeded' ? 0 : fate.exit }
  const back: Command = { type: 'rollback', exit: 0 }
  const settled = entries.findLast(({ entry }) => entry.type === 'settled' || entry.type === 'resumed')?.entry
  if (settled?.type === 'settled') {
    const outcome = settled.outcome as 'succeeded' | 'rolled-back'
    const refused: Command = { type: way, exit: 2, says: new RegExp(`settled as ${outcome}`) }
    if (has('sealed')) return { commands: [refused], outcome }
    const seal: Command = { type: 'resume', exit: outcome === 'succeeded' ? 0 : exitOf(fate) }
    return { commands: way === 'resume' ? [seal] : [refused, seal], outcome }
  }
  if (has('turned')) {
    const refused: Command = { type: 'resume', exit: 2, says: /already rolling back/ }
    return { commands: way === 'resume' ? [refused, back] : [back], outcome: 'rolled-back' }
  }
  if (has('pivoted')) {
    const refused: Command = { type: 'rollback', exit: 2, says: /point of no return/ }
    return { commands: way === 'rollback' ? [refused, forward] : [forward], outcome: fate.outcome }
  }
  return way === 'resume'
    ? { commands: [forward], outcome: fate.outcome }
    : { commands: [back], outcome: 'rolled-back' }
}

const exitOf = (fate: Fate): number => (fate.outcome === 'succeeded' ? 10 : fate.exit)
