import { expect, test } from 'vitest'
import { Kept } from '../../../src/cli/site/kept.ts'
import { fakeClock } from '../../../src/testing/clock.ts'

test('it looks again only when what it saw is old, however often it is asked', async () => {
  const clock = fakeClock()
  let looks = 0
  const kept = new Kept(async () => (looks += 1), clock, 60_000)
  const values = await Promise.all([kept.latest(1_000), kept.latest(1_000), kept.latest(1_000)])
  expect(values.map((one) => one?.value)).toEqual([1, 1, 1])
  clock.pass(59_000)
  expect((await kept.latest(1_000))?.value).toBe(1)
  clock.pass(2_000)
  expect((await kept.latest(1_000))?.value).toBe(2)
  expect(looks).toBe(2)
})

test('a look that takes long does not keep a page waiting: what was seen last is shown, with its time', async () => {
  const clock = fakeClock()
  const finish: ((value: string) => void)[] = []
  const kept = new Kept(() => new Promise<string>((resolve) => finish.push(resolve)), clock, 60_000)
  expect(await kept.latest(3_000)).toBeNull()
  finish[0]?.('first')
  expect(await kept.latest(3_000)).toMatchObject({ value: 'first' })
  const at = clock.now()
  clock.pass(100_000)
  expect(await kept.latest(3_000)).toEqual({ value: 'first', at })
  // One look at a time, although nobody waits for it.
  expect(await kept.latest(3_000)).toEqual({ value: 'first', at })
  expect(finish).toHaveLength(2)
})

test('a failure is thrown while nothing is known, and looked at again', async () => {
  const clock = fakeClock()
  const answers = [
    Promise.reject(new Error('no')),
    Promise.resolve('seen'),
    Promise.reject(new Error('again')),
  ]
  for (const one of answers) one.catch(() => undefined)
  const kept = new Kept(() => answers.shift() ?? Promise.reject(new Error('asked too often')), clock, 60_000)
  await expect(kept.latest(1_000)).rejects.toThrow('no')
  expect((await kept.latest(1_000))?.value).toBe('seen')
  clock.pass(61_000)
  expect((await kept.latest(1_000))?.value).toBe('seen')
})
