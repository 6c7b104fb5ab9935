import type { Clock } from '../../kernel/clock.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { composeLine } from '../../model/compose-line.ts'
import {
  partKey,
  partName,
  type LockHolder,
  type LockPart,
  type Locks,
  type LocksView,
  type LostLock,
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
   * Checked before each intent. Parts that could not be locked from the start are left out, except those whose
   * place was down: they are locked once it answers.
   * @param because why the run goes back, which is told first where its place went down
   * @returns what was locked only now
   * @throws Stopped with the code `held` if a lock was lost, or another run has taken one: the run stays open, and
   *   starts nothing more; `in-doubt` if the place went down with the lock
   */
  fence(because?: string): Promise<readonly LockRecord[]>
  release(): Promise<void>
}

export const noLock: SystemLock = {
  record: [],
  findings: [],
  fence: async () => [],
  release: async () => undefined,
}

/** Titles of the steps that bring up what is down, by what it is. */
export type Bringing = ReadonlyMap<string, string>

type Gap = { readonly part: LockPart; readonly gap: NoLock }

/**
 * Takes the lock of each part, in order; waits for none but that of a dead process of the same run.
 * @throws RunbookError `held`, naming the holder; nothing is locked then
 */
export async function takeLocks(
  locks: Locks,
  parts: readonly LockPart[],
  holder: LockHolder,
  clock: Clock,
  bringing: Bringing = new Map(),
): Promise<SystemLock> {
  const taken: { readonly part: LockPart; readonly lock: TakenLock }[] = []
  const gaps: Gap[] = []
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
  let down = gaps.filter(({ gap }) => gap.down !== undefined)
  const takeLate = async (): Promise<readonly LockRecord[]> => {
    const late: LockRecord[] = []
    const still: Gap[] = []
    for (const { part, gap } of down) {
      // One place need not be waited for once for each of its parts.
      const result = still.some((one) => one.gap.down === gap.down) ? gap : await locks.take(part, holder)
      if (result.is === 'held') throw new Stopped('held', heldBeforeNext(part, result.by), null)
      if (result.is === 'unavailable') still.push({ part, gap })
      else {
        taken.push({ part, lock: result.lock })
        late.push({ what: partName(part), missing: null })
      }
    }
    down = still
    return late
  }
  return {
    record: parts.map((part) => ({ what: partName(part), missing: without.get(partKey(part)) ?? null })),
    findings: gaps.map(({ part, gap }) => warningOf(part, gap, bringing)),
    async fence(because) {
      const states = await Promise.all(
        taken.map(async ({ part, lock }) => ({ part, state: await lock.check() })),
      )
      for (const { part, state } of states) {
        if (state.is !== 'lost') continue
        if (state.down !== undefined) throw placeDown(part, state.why, state.down, because)
        const what = `the run stopped before its next change: it lost its lock on ${partName(part)}: ${state.why}`
        throw new Stopped('held', what, null)
      }
      return takeLate()
    },
    release,
  }
}

/** No other run is to blame, as far as is known: a person has to bring up the place first. */
const placeDown = (
  part: LockPart,
  why: string,
  down: NonNullable<LostLock['down']>,
  because?: string,
): Stopped =>
  new Stopped(
    'in-doubt',
    `${because === undefined ? '' : `${because}; then `}${down.place} is DOWN: it last answered at ${down.answeredAt} (${why}); the run stopped before its next change, since it can hold no lock on ${partName(part)} until then`,
    null,
    `find out from the log of ${down.place} why it stopped (a full disk: df -h), and start it${startOf(part)}`,
    { place: down.place, since: down.answeredAt },
  )

/** How a person starts a server that nothing of the configuration starts; its unit may have another name. */
function startOf(part: LockPart): string {
  if (part.kind !== 'postgres') return ''
  const { via } = part.database
  if (via.kind === 'compose') return `: ${composeLine(via.stack, `start ${shellWord(via.service)}`)}`
  return via.kind === 'server' ? `, such as with \`systemctl start postgresql\` on ${via.host}` : ''
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
  bringing: Bringing = new Map(),
): Promise<readonly Finding[]> {
  const looks = await Promise.all(parts.map(async (part) => ({ part, seen: await locks.look(part) })))
  return looks.flatMap(({ part, seen }): readonly Finding[] => {
    if (seen.is === 'unavailable') return [warningOf(part, seen, bringing)]
    if (seen.is === 'free') return []
    const { message, hint = '' } = heldElsewhere(part, seen.by)
    return [{ level: 'refuse', about: 'target', problem: message, hint }]
  })
}

function warningOf(part: LockPart, { why, hint, down = '' }: NoLock, bringing: Bringing): Finding {
  const step = bringing.get(down)
  return {
    level: 'warn',
    about: 'lock',
    problem:
      step === undefined
        ? `other people and machines are not excluded from ${partName(part)}: it cannot be locked: ${why}`
        : `${partName(part)} is locked only once it answers: depends on "${step}"`,
    hint: step === undefined ? hint : why,
  }
}

const heldBeforeNext = (part: LockPart, by: LockHolder | null): string =>
  `the run stopped before its next change: ${heldElsewhere(part, by).message}`

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
