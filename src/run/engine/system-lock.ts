import type { Clock } from '../../kernel/clock.ts'
import { RunbookError } from '../../kernel/errors.ts'
import {
  partKey,
  partName,
  type LockHolder,
  type LockPart,
  type Locks,
  type LocksView,
  type NoLock,
  type TakenLock,
} from '../../drivers/locks.ts'
import type { Finding } from '../../model/step.ts'
import type { LockRecord } from '../journal/entry.ts'
import { Stopped } from './stop.ts'

/** How long another holder may take to disconnect: a killed process's session closes within moments. */
const patienceMilliseconds = 500

/** The same where a name is taken and names nobody: its holder has ended, and the place notices within seconds. */
const namelessPatienceMilliseconds = 6_000

/** The same for the dead process of this very run. Longer than any place takes to notice a dead client. */
const ownPatienceMilliseconds = 12_000

const pauseMilliseconds = 100

/** The locks of one run on everything that it may change. */
export interface SystemLock {
  /** For the journal and the evidence: each part, and whether it is locked. */
  readonly record: readonly LockRecord[]
  /** A warning for each part that could not be locked. */
  readonly findings: readonly Finding[]
  /**
   * Checked before each intent. Parts that could not be locked from the start are left out.
   * @throws Stopped with the code `held` if a lock was lost: the run stays open, and starts nothing more
   */
  fence(): Promise<void>
  release(): Promise<void>
}

export const noLock: SystemLock = {
  record: [],
  findings: [],
  fence: async () => undefined,
  release: async () => undefined,
}

/**
 * Takes the lock of each part, in order; waits for none but that of a dead process of the same run.
 * @throws RunbookError `held`, naming the holder; nothing is locked then
 */
export async function takeLocks(
  locks: Locks,
  parts: readonly LockPart[],
  holder: LockHolder,
  clock: Clock,
): Promise<SystemLock> {
  const taken: { readonly part: LockPart; readonly lock: TakenLock }[] = []
  const gaps: { readonly part: LockPart; readonly gap: NoLock }[] = []
  const release = async (): Promise<void> => {
    await Promise.all(taken.toReversed().map(({ lock }) => lock.release()))
  }
  try {
    for (const part of parts) {
      const result = await takeOne(locks, part, holder, clock)
      if (result.is === 'taken') taken.push({ part, lock: result.lock })
      else gaps.push({ part, gap: result })
    }
  } catch (thrown) {
    await release()
    throw thrown
  }
  const without = new Map(gaps.map(({ part, gap }) => [partKey(part), gap.why]))
  return {
    record: parts.map((part) => ({ what: partName(part), missing: without.get(partKey(part)) ?? null })),
    findings: gaps.map(({ part, gap }) => warningOf(part, gap)),
    async fence() {
      const states = await Promise.all(
        taken.map(async ({ part, lock }) => ({ part, state: await lock.check() })),
      )
      for (const { part, state } of states) {
        if (state.is !== 'lost') continue
        const what = `the run stopped before its next change: it lost its lock on ${partName(part)}: ${state.why}`
        throw new Stopped('held', what, null)
      }
    },
    release,
  }
}

function patienceFor(by: LockHolder | null, { run }: LockHolder): number {
  if (by === null) return namelessPatienceMilliseconds
  return by.run === run ? ownPatienceMilliseconds : patienceMilliseconds
}

async function takeOne(locks: Locks, part: LockPart, holder: LockHolder, clock: Clock) {
  const began = clock.monotonic()
  for (;;) {
    const result = await locks.take(part, holder)
    if (result.is !== 'held') return result
    const patience = patienceFor(result.by, holder)
    if (clock.monotonic() - began >= patience) throw heldElsewhere(part, result.by)
    await clock.sleep(pauseMilliseconds)
  }
}

/** For a dry run, which takes no lock: what a real run would meet. */
export async function lockFindings(
  locks: LocksView,
  parts: readonly LockPart[],
): Promise<readonly Finding[]> {
  const looks = await Promise.all(parts.map(async (part) => ({ part, seen: await locks.look(part) })))
  return looks.flatMap(({ part, seen }): readonly Finding[] => {
    if (seen.is === 'unavailable') return [warningOf(part, seen)]
    if (seen.is === 'free') return []
    const { message, hint = '' } = heldElsewhere(part, seen.by)
    return [{ level: 'refuse', about: 'target', problem: message, hint }]
  })
}

const warningOf = (part: LockPart, { why, hint }: NoLock): Finding => ({
  level: 'warn',
  about: 'lock',
  problem: `other people and machines are not excluded from ${partName(part)}: it cannot be locked: ${why}`,
  hint,
})

function heldElsewhere(part: LockPart, by: LockHolder | null): RunbookError {
  const who =
    by === null
      ? 'another run, whose name cannot be read'
      : `run ${by.run} (${by.by} on ${by.host}, since ${by.since})`
  return new RunbookError('held', `${partName(part)} is held by ${who}`, {
    hint:
      by === null
        ? 'find out who works on it, and wait'
        : `wait for it, or ask ${by.by}; on ${by.host}: runbook status`,
  })
}
