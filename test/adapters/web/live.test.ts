import { expect, test } from 'vitest'
import { changesOf } from '../../../src/adapters/web/live.ts'
import type { RunShown } from '../../../src/adapters/web/site.ts'
import { fakeClock } from '../../../src/testing/clock.ts'

async function seenOf(states: readonly (RunShown | null)[], signal = new AbortController().signal) {
  const clock = fakeClock()
  const seen: (string | null)[] = []
  let asked = 0
  const look = async () => {
    const state = states[Math.min(asked, states.length - 1)]
    asked += 1
    return state ?? null
  }
  for await (const event of changesOf(look, clock, signal))
    seen.push(event === null ? null : `${event.html} at ${clock.monotonic() / 1000}`)
  return { seen, asked }
}

const now = (html: string): RunShown => ({ html, over: false })
const over: RunShown = { html: 'end', over: true }

test('what has not changed is not sent again', async () => {
  const { seen, asked } = await seenOf([now('a'), now('a'), now('b'), now('b'), over])
  expect(seen).toEqual(['a at 0', 'b at 2', 'end at 4'])
  expect(asked).toBe(5)
})

test('a long silence is broken by a sign of life', async () => {
  const { seen } = await seenOf([...Array.from({ length: 40 }, () => now('a')), over])
  expect(seen).toEqual(['a at 0', null, null, 'end at 40'])
})

test('it ends where the run does not exist any more', async () => {
  expect(await seenOf([now('a'), null])).toEqual({ seen: ['a at 0'], asked: 2 })
})

test('it ends with the signal, and looks no more', async () => {
  expect(await seenOf([now('a')], AbortSignal.abort())).toEqual({ seen: [], asked: 0 })
  const clock = fakeClock()
  const leaving = new AbortController()
  let asked = 0
  const events = changesOf(
    async () => {
      asked += 1
      return now(`${asked}`)
    },
    clock,
    leaving.signal,
  )
  await events.next()
  const next = events.next()
  leaving.abort()
  expect((await next).done).toBe(true)
  expect(asked).toBe(1)
})

test('a look that fails is the end of it', async () => {
  const events = changesOf(() => Promise.reject(new Error('no')), fakeClock(), new AbortController().signal)
  await expect(events.next()).rejects.toThrow('no')
})
