import { expect, test } from 'vitest'
import { DryRuns } from '../../../src/cli/site/dry-runs.ts'
import type { Planned } from '../../../src/model/plan.ts'
import type { StopButton } from '../../../src/run/engine/stop.ts'
import { fakeClock } from '../../../src/testing/clock.ts'

const planned = {} as Planned
const nobodyLeft = new AbortController().signal
/** A look that ends when it is told to. */
function heldLooks() {
  const looks: { readonly stop: StopButton; readonly cut: AbortSignal; end(): void }[] = []
  const look = (_: Planned, stop: StopButton, cut: AbortSignal) =>
    new Promise<readonly []>((resolve) => looks.push({ stop, cut, end: () => resolve([]) }))
  return { looks, look }
}
/** Time stands still: nothing is ever late. */
const still = { ...fakeClock(), sleep: () => new Promise<void>(() => undefined) }

test('one at a time: another is not begun before the first has ended', async () => {
  const { looks, look } = heldLooks()
  const dryRuns = new DryRuns(look, still)
  const first = dryRuns.of(planned, nobodyLeft)
  expect(await dryRuns.of(planned, nobodyLeft)).toBe('busy')
  looks[0]?.end()
  expect(await first).toEqual([])
  const second = dryRuns.of(planned, nobodyLeft)
  looks[1]?.end()
  expect(await second).toEqual([])
  expect(looks.map(({ cut }) => cut.aborted)).toEqual([false, false])
})

test('one that takes too long is ended, and the next one waits until it has', async () => {
  const { looks, look } = heldLooks()
  const dryRuns = new DryRuns(look, fakeClock())
  expect(await dryRuns.of(planned, nobodyLeft)).toBe('late')
  expect([looks[0]?.stop.now.aborted, looks[0]?.cut.aborted]).toEqual([true, true])
  expect(await dryRuns.of(planned, nobodyLeft)).toBe('busy')
  looks[0]?.end()
  await new Promise((resolve) => setImmediate(resolve))
  expect(await dryRuns.of(planned, nobodyLeft)).toBe('late')
  expect(looks).toHaveLength(2)
})

test('one that nobody waits for any more is ended', async () => {
  const { looks, look } = heldLooks()
  const left = new AbortController()
  const asked = new DryRuns(look, {
    ...fakeClock(),
    sleep: (_, signal) =>
      new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('left')))),
  }).of(planned, left.signal)
  left.abort()
  expect(await asked).toBe('late')
  expect(looks[0]?.cut.aborted).toBe(true)
})

test('one that fails says why, and the next one is begun', async () => {
  let fails = true
  const dryRuns = new DryRuns(async () => {
    if (fails) throw new Error('no such place')
    return []
  }, still)
  await expect(dryRuns.of(planned, nobodyLeft)).rejects.toThrow('no such place')
  fails = false
  expect(await dryRuns.of(planned, nobodyLeft)).toEqual([])
})
