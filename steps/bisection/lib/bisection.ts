/**
 * What a test of one backup showed. `bad`: the damage of the newest one is in it. `outgrown`: it lacks that damage, and
 * fails only what the newest one meets, such as a number of rows that was not reached then. `unusable`: it is damaged
 * or does not restore, so it says nothing about the data.
 */
export type Verdict = 'good' | 'bad' | 'outgrown' | 'unusable'

/** The verdicts so far, by position in the list of backups, of which 0 is the newest. */
export type Verdicts = ReadonlyMap<number, Verdict>

/**
 * @param fails names of the checks that this backup fails
 * @param newestFails those that the newest backup that could be tested fails; null if this is the newest
 */
export function verdictOn(fails: readonly string[], newestFails: readonly string[] | null): Verdict {
  if (fails.length === 0) return 'good'
  return newestFails === null || fails.some((name) => newestFails.includes(name)) ? 'bad' : 'outgrown'
}

/**
 * The backup to test next, or null if the search has ended. The newest one comes first, since it may be good; then
 * the interval between the oldest one with its damage and the newest one without it is halved. If that one is outgrown,
 * older ones may be good all the same, so it then counts as bad. Those that are unusable are skipped. Pure.
 */
export function nextToTest(count: number, verdicts: Verdicts): number | null {
  const usable = usableOf(count, verdicts)
  const [newest] = usable
  if (newest === undefined) return null
  if (!verdicts.has(newest)) return newest
  const damage = bounds(usable, verdicts, (verdict) => verdict !== 'bad')
  const open = damage.after - damage.before > 1 ? damage : bounds(usable, verdicts, isGood)
  return open.after - open.before > 1 ? (usable[Math.floor((open.before + open.after) / 2)] ?? null) : null
}

/** What the search has found: both were tested, and no usable backup lies between them. */
export type Found = {
  /** The newest good one; null if none of the tested ones is good. */
  readonly good: number | null
  /** The next newer usable one, which is not good; null if there is none. */
  readonly bad: number | null
}

/** Positions of the two neighbours that were found. Pure. */
export function found(count: number, verdicts: Verdicts): Found {
  const usable = usableOf(count, verdicts)
  const { before, after } = bounds(usable, verdicts, isGood)
  return { good: usable[after] ?? null, bad: usable[before] ?? null }
}

/** How many restores find the answer among so many backups, if all of them are usable. */
export const mostTests = (count: number): number => (count === 0 ? 0 : 1 + Math.ceil(Math.log2(count)))

const isGood = (verdict: Verdict): boolean => verdict === 'good'

const usableOf = (count: number, verdicts: Verdicts): readonly number[] =>
  Array.from({ length: count }, (_, index) => index).filter((index) => verdicts.get(index) !== 'unusable')

/** Positions in `usable`: the newest tested one that is wanted, and the oldest tested one that is newer. */
function bounds(
  usable: readonly number[],
  verdicts: Verdicts,
  wanted: (verdict: Verdict) => boolean,
): { readonly before: number; readonly after: number } {
  const isWanted = (index: number): boolean => {
    const verdict = verdicts.get(index)
    return verdict !== undefined && wanted(verdict)
  }
  const newest = usable.findIndex(isWanted)
  const after = newest === -1 ? usable.length : newest
  return { before: usable.findLastIndex((index, at) => at < after && verdicts.has(index)), after }
}
