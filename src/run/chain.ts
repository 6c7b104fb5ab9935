import { RunbookError } from '../kernel/errors.ts'
import { digestOf } from '../kernel/json.ts'
import { beginning, type Entry, type Stored } from './entry.ts'

export type Link = { readonly run: string; readonly seq: number; readonly epoch: number; readonly at: string; readonly previous: string; readonly entry: Entry }

/** Each hash covers the hash before it: an entry cannot be changed, dropped or moved without breaking all that follow. */
export const linked = (link: Link): Stored => ({ ...link, hash: digestOf(link) })

/** Says what is wrong with a chain, or null. A lost tail looks intact; compare with the head that is kept elsewhere. */
export function flaw(entries: readonly Stored[]): string | null {
  let previous = beginning
  let epoch = 0
  for (const [index, { hash, ...link }] of entries.entries()) {
    if (link.seq !== index) return `entry ${index} is numbered ${link.seq}`
    if (link.previous !== previous) return `entry ${index} does not follow the one before it`
    if (digestOf(link) !== hash) return `entry ${index} was altered`
    if (link.epoch < epoch) return `entry ${index} was written under an older hold than the one before it`
    previous = hash
    epoch = link.epoch
  }
  return null
}

/** @throws RunbookError `journal`, so that nothing is done on the word of a damaged journal */
export function checkChain(run: string, entries: readonly Stored[], head: { readonly seq: number; readonly hash: string } | null): void {
  const found = flaw(entries) ?? shorter(entries, head)
  if (found === null) return
  throw new RunbookError('journal', `the journal of run ${run} is damaged: ${found}; nothing was done`, {
    hint: 'keep the state folder as it is, look at the target yourself, then release the run with `runbook unlock`',
  })
}

function shorter(entries: readonly Stored[], head: { readonly seq: number; readonly hash: string } | null): string | null {
  if (head === null) return null
  const there = entries[head.seq]
  if (there === undefined) return `its last entries are lost: ${entries.length} are left, and entry ${head.seq} was acknowledged`
  return there.hash === head.hash ? null : `entry ${head.seq} is not the one that was acknowledged`
}
