import { availableParallelism } from 'node:os'

/** Does the work for each, as many at a time as there are processors. @returns what was thrown, with the name of the one it was thrown for */
export async function inLanes<T extends { readonly name: string }>(
  all: readonly T[],
  work: (one: T) => Promise<void>,
): Promise<readonly string[]> {
  const failures: string[] = []
  const left = [...all]
  const lane = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) {
      try {
        await work(one)
      } catch (thrown) {
        failures.push(`${one.name}: ${thrown instanceof Error ? thrown.message : String(thrown)}`)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, lane))
  return failures
}
