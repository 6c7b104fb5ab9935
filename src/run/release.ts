import { RunbookError } from '../kernel/errors.ts'
import { seal } from './engine/ending.ts'
import { failureOn } from './engine/run-context.ts'
import { noLock } from './engine/system-lock.ts'
import { holdLease } from './journal/leases.ts'
import { stateOf } from './journal/state.ts'
import { runContextFor, type Runtime } from './start.ts'

/** Request to close an open run by a person's decision. */
export interface ReleaseRequest {
  readonly run: string
  /** The lease that its process holds, or that it would take to write. */
  readonly lease: string
  readonly reason: string
  /** Take the lock from a process that still holds it. */
  readonly takeOver: boolean
}

/**
 * Closes an open run that the program cannot settle, and seals its evidence unless a process may still write
 * to it. Undoes nothing.
 * @returns why the evidence could not be sealed; null if it is sealed
 * @throws RunbookError `held` if a process runs it, unless its lock is to be taken over
 */
export async function release(
  runtime: Runtime,
  { run, lease, reason, takeOver }: ReleaseRequest,
): Promise<string | null> {
  const { by } = runtime.identity
  const holder = { ...runtime.identity, run, since: runtime.clock.now().toISOString() }
  const hold = await (takeOver
    ? runtime.journal.takeOver(lease, holder)
    : holdLease(runtime.journal, runtime.clock, lease, holder))
  try {
    await runtime.journal.append(hold, run, runtime.mask.json({ type: 'released', by, reason }))
    return takeOver
      ? `another process may still write to it; once that has ended, seal it with \`runbook resume ${run}\``
      : await sealed(runtime, run, hold)
  } finally {
    await hold.release()
  }
}

/** A run is released because something is broken, so that its evidence cannot be sealed is not an error. */
async function sealed(
  runtime: Runtime,
  run: string,
  hold: Parameters<typeof runContextFor>[1]['hold'],
): Promise<string | null> {
  try {
    const entries = await runtime.journal.read(run)
    const { plan, opened } = stateOf(entries)
    const folder = await runtime.evidence.open(opened.evidence)
    const planned = { plan, steps: new Map() }
    const context = runContextFor(runtime, { run, planned, folder, hold, lock: noLock, entries })
    await folder.unseal()
    const { failure } = await seal(runtime, context)
    return context.journal.state.sealed ? null : (failure?.message ?? 'it is not sealed')
  } catch (thrown) {
    if (thrown instanceof RunbookError) return failureOn({ mask: runtime.mask }, thrown).message
    throw thrown
  }
}
