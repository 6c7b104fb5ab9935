/**
 * The rule behind every removal by count. Pure.
 * @param keep how many of the newest always stay
 */
export const mayGo = <T>(
  newestFirst: readonly T[],
  keep: number,
  spared: (one: T) => boolean,
): readonly T[] => newestFirst.slice(Math.max(keep, 0)).filter((one) => !spared(one))

export type Rule = {
  readonly keep: number
  /** Names in use, each with what uses it. */
  readonly inUse: ReadonlyMap<string, string>
  /** Name of the newest that was verified. Null: none was, so nothing is removed. */
  readonly verified: string | null
  /** Anything newer stays. Milliseconds since the epoch; null for no limit. */
  readonly before: number | null
}

type Dated = { readonly name: string; readonly takenAt: string }

export const newestFirst = <T extends Dated>(all: readonly T[]): readonly T[] =>
  all.toSorted(
    (one, other) => Date.parse(other.takenAt) - Date.parse(one.takenAt) || (one.name < other.name ? 1 : -1),
  )

/**
 * What to remove, and what else exceeds the count but is spared, with the reason. Pure.
 * @param all one entry per item, however many files it has
 */
export function select<T extends Dated>(
  all: readonly T[],
  { keep, inUse, verified, before }: Rule,
): {
  readonly go: readonly T[]
  readonly spared: readonly { readonly name: string; readonly because: string }[]
} {
  const because = ({ name, takenAt }: T): string | null => {
    const use = inUse.get(name)
    if (use !== undefined) return `in use: ${use}`
    if (name === verified) return 'the newest that is intact'
    if (verified === null) return 'none is known to be intact'
    return before !== null && Date.parse(takenAt) >= before ? 'not old enough' : null
  }
  const ordered = newestFirst(all)
  const go = mayGo(ordered, keep, (one) => because(one) !== null)
  return {
    go,
    spared: mayGo(ordered, keep, () => false).flatMap((one) =>
      go.includes(one) ? [] : [{ name: one.name, because: because(one) ?? '' }],
    ),
  }
}
