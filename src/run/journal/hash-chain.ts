import { RunbookError } from '../../kernel/errors.ts'
import { digestOf } from '../../kernel/json.ts'
import { genesisHash, type Entry, type Stored } from './entry.ts'

export type Link = {
  readonly run: string
  readonly seq: number
  readonly epoch: number
  readonly at: string
  readonly previous: string
  readonly entry: Entry
}

/** Each hash covers the previous one, so changing, dropping or moving an entry breaks all that follow. */
export const linked = (link: Link): Stored => ({ ...link, hash: digestOf(link) })

/** What is wrong with a chain, or null. Cannot detect a lost tail: for that compare with the stored head. */
export function chainFault(entries: readonly Stored[]): string | null {
  let previous = genesisHash
  let epoch = 0
  for (const [index, { hash, ...link }] of entries.entries()) {
    if (link.seq !== index) return `entry ${index} is numbered ${link.seq}`
    if (link.previous !== previous) return `entry ${index} does not follow the one before it`
    if (digestOf(link) !== hash) return `entry ${index} was altered`
    if (link.epoch < epoch) return `entry ${index} has an older epoch than the one before it`
    previous = hash
    epoch = link.epoch
  }
  return null
}

/** The last acknowledged entry, stored outside of the journal. */
export type Head = { readonly seq: number; readonly hash: string }

export const damaged = (run: string, how: string, cause?: unknown): RunbookError =>
  new RunbookError('journal', `the journal of run ${run} is damaged: ${how}; nothing was done`, {
    hint: `keep the state folder as it is, check the target, then release the run with \`runbook unlock ${run} --reason TEXT\``,
    cause,
  })

/** @throws RunbookError `journal`, so that no action relies on a damaged journal */
export function checkChain(run: string, entries: readonly Stored[], head: Head | null): void {
  const foreign = entries.find((entry) => entry.run !== run)
  const fault =
    foreign === undefined
      ? (chainFault(entries) ?? headFlaw(entries.length, head, (seq) => entries[seq]?.hash))
      : `it contains an entry of run ${foreign.run}`
  if (fault !== null) throw damaged(run, fault)
}

/**
 * What is wrong if the last acknowledged entry is missing or differs, or null. A crash between the write of
 * an entry and of its head leaves the head one behind, which is not a fault.
 */
export function headFlaw(
  count: number,
  head: Head | null,
  hashAt: (seq: number) => string | undefined,
): string | null {
  if (head === null)
    return count > 1
      ? 'it has several entries, but the file that records the last one is missing or damaged'
      : null
  const hash = hashAt(head.seq)
  if (hash === undefined)
    return `its last entries are lost: it has ${count}, but entry ${head.seq} was acknowledged`
  return hash === head.hash ? null : `entry ${head.seq} differs from the one that was acknowledged`
}
