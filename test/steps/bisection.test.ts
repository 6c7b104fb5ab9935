import { describe, expect, test } from 'vitest'
import { found, mostTests, nextToTest, verdictOn, type Verdict } from '../../steps/bisection/lib/bisection.ts'

/** Numbers that look random and are the same each time. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    yield state / 2 ** 32
  }
}

function search(truth: readonly Verdict[]) {
  const verdicts = new Map<number, Verdict>()
  const order: number[] = []
  for (;;) {
    const next = nextToTest(truth.length, verdicts)
    if (next === null) return { verdicts, order, ...found(truth.length, verdicts) }
    expect(verdicts.has(next), 'no backup is tested twice').toBe(false)
    order.push(next)
    verdicts.set(next, truth[next] as Verdict)
  }
}

/** Newest first: bad until the damage, good before it. */
const damagedFor = (bad: number, count: number): readonly Verdict[] =>
  Array.from({ length: count }, (_, index) => (index < bad ? 'bad' : 'good'))

describe('a history in which all backups from some moment on are bad', () => {
  test('is answered rightly for each number of backups and each moment, in as few restores as promised', () => {
    for (let count = 0; count <= 70; count += 1)
      for (let bad = 0; bad <= count; bad += 1) {
        const answer = search(damagedFor(bad, count))
        expect(answer.good, `${bad} of ${count}`).toBe(bad === count ? null : bad)
        expect(answer.bad, `${bad} of ${count}`).toBe(bad === 0 ? null : bad - 1)
        expect(answer.order.length).toBeLessThanOrEqual(mostTests(count))
      }
  })

  test('30 backups take at most 6 restores, and a good newest one takes one', () => {
    const taken = Array.from({ length: 31 }, (_, bad) => search(damagedFor(bad, 30)).order.length)
    expect(Math.max(...taken)).toBe(6)
    expect(taken[0]).toBe(1)
  })
})

test('where assertions count what grows, old backups fail too, and the good ones between are found as quickly', () => {
  for (let count = 1; count <= 40; count += 1)
    for (let bad = 1; bad < count; bad += 1)
      for (let good = 1; good <= count - bad; good += 1) {
        const truth = Array.from({ length: count }, (_, index): Verdict =>
          index < bad ? 'bad' : index < bad + good ? 'good' : 'outgrown',
        )
        const answer = search(truth)
        expect(answer).toMatchObject({ good: bad, bad: bad - 1 })
        expect(answer.order.length).toBeLessThanOrEqual(mostTests(count))
      }
})

test('one that fails other checks than the newest may hide a good one that is older', () => {
  for (let count = 3; count <= 40; count += 1)
    for (let good = 2; good < count; good += 1) {
      const truth = Array.from({ length: count }, (_, index): Verdict =>
        index === 0 ? 'bad' : index < good ? 'outgrown' : 'good',
      )
      expect(search(truth)).toMatchObject({ good, bad: good - 1 })
    }
})

test('the damage is recognised by the checks that the newest backup fails', () => {
  expect(verdictOn([], null)).toBe('good')
  expect(verdictOn(['a'], null)).toBe('bad')
  expect(verdictOn(['a', 'b'], ['b', 'c'])).toBe('bad')
  expect(verdictOn(['a'], ['b'])).toBe('outgrown')
  expect(verdictOn([], ['b'])).toBe('good')
})

test('damaged backups are passed over, and the answer is right among the others', () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = numbers(seed)
    const count = 1 + Math.floor(random.next().value * 60)
    const bad = Math.floor(random.next().value * (count + 1))
    const truth = damagedFor(bad, count).map((verdict) => (random.next().value < 0.3 ? 'unusable' : verdict))
    const answer = search(truth)
    const good = truth.indexOf('good')
    expect(answer.good, `seed ${seed}`).toBe(good === -1 ? null : good)
    expect(answer.bad, `seed ${seed}`).toBe(truth.lastIndexOf('bad') === -1 ? null : truth.lastIndexOf('bad'))
  }
})

test('where good and bad ones alternate, both neighbours that it names were tested, with nothing usable between', () => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const random = numbers(seed)
    const count = 1 + Math.floor(random.next().value * 60)
    const truth = Array.from({ length: count }, (): Verdict => {
      const at = random.next().value
      return at < 0.4 ? 'good' : at < 0.75 ? 'bad' : at < 0.9 ? 'outgrown' : 'unusable'
    })
    const { good, bad, verdicts } = search(truth)
    if (good === null) expect([...verdicts.values()]).not.toContain('good')
    else expect(verdicts.get(good)).toBe('good')
    if (bad !== null) {
      expect(['bad', 'outgrown']).toContain(verdicts.get(bad))
      const between = truth.slice(bad + 1, good ?? count)
      expect(between.every((verdict) => verdict === 'unusable')).toBe(true)
    } else if (good !== null)
      expect(truth.slice(0, good).every((verdict) => verdict === 'unusable')).toBe(true)
  }
})
