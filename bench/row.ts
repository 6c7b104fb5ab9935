/** One of those that a row compares. */
export type Contestant = {
  readonly name: string
  /** Its place in a curve. */
  readonly at?: CurvePoint
  /** Does the work once. @returns how long it took, in the unit of the row */
  once(): Promise<number>
}

export type CurvePoint = { readonly curve: string; readonly x: number }

/** What is measured: the program beside its rivals, in turns, so that all meet the same machine. */
export type Row = {
  readonly name: string
  readonly title: string
  readonly unit: string
  /** Makes what the row needs, in a folder of its own. */
  prepare(settings: RowSettings): Promise<Prepared>
}

export type RowSettings = {
  /** Empty, private, and removed afterwards. */
  readonly folder: string
  /** Smaller, so that all rows together take two minutes. */
  readonly quick: boolean
}

export type Prepared = {
  /** The first is what the others are compared with. */
  readonly contestants: readonly Contestant[]
  readonly rounds: number
  /** What was measured on, such as numbers of steps and runs. */
  readonly size: string
  /** What `x` of its curves is. */
  readonly xTitle?: string
  /** Ends what the row started, such as containers. */
  close?(): void
}

export type Measured = {
  readonly name: string
  readonly at?: CurvePoint
  readonly median: number
  readonly lowest: number
  readonly highest: number
  /** The median divided by that of the first contestant. */
  readonly ratio: number
  readonly samples: readonly number[]
}

/** Lets the contestants take turns. The first round only warms caches, and does not count. */
export async function measured({ contestants, rounds }: Prepared): Promise<readonly Measured[]> {
  const samples = contestants.map((): number[] => [])
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, contestant] of contestants.entries()) {
      const took = await contestant.once()
      if (round > 0) samples[index]?.push(took)
    }
  }
  const first = medianOf(samples[0] ?? [])
  return contestants.map(({ name, at }, index) => {
    const own = samples[index] ?? []
    const median = medianOf(own)
    return {
      name,
      ...(at === undefined ? {} : { at }),
      median,
      lowest: Math.min(...own),
      highest: Math.max(...own),
      ratio: median / first,
      samples: own,
    }
  })
}

export function medianOf(samples: readonly number[]): number {
  const sorted = [...samples].sort((one, other) => one - other)
  const middle = Math.floor(sorted.length / 2)
  const [low, high] = [sorted[middle - (sorted.length % 2 === 0 ? 1 : 0)], sorted[middle]]
  if (low === undefined || high === undefined) throw new RangeError('the median of nothing')
  return (low + high) / 2
}

/** Milliseconds that the work takes. */
export async function millisecondsOf(work: () => unknown): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}
