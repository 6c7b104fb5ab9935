import { describe, expect, it } from 'vitest'
import type { Runbook } from '../../src/model/runbook.ts'
import { Killed, Machine, Power, runbook, toySteps } from './toy.ts'

/** Three changes, two of them at once, an observation between, and one behind the point of no return. */
function bookOf(kind: 'set' | 'rerunnable'): Runbook {
  const steps = toySteps(
    () => current.world,
    () => current.power,
  )
  const set = steps[kind]
  return runbook(
    'toy',
    { title: 'Toy', when: 'Never.', needs: [], params: {} },
    ({ step, parallel, pointOfNoReturn, lastly }) => {
      const first = step('First', set({ flag: 'first', to: 'new' }))
      parallel('Both', () => {
        step('Second', set({ flag: 'second', to: 'new', tells: first.flag }))
        step('Third', set({ flag: 'third', to: 'new' }))
      })
      step('Look', steps.look({ flag: 'second', wants: 'new' }))
      step('Fourth', set({ flag: 'fourth', to: 'new' }))
      pointOfNoReturn('It is new.')
      step('Fifth', set({ flag: 'fifth', to: 'new' }))
      lastly('Tell', steps.rerunnable({ flag: 'told', to: 'yes' }))
    },
  )
}

const flags = ['first', 'second', 'third', 'fourth', 'fifth']
const before = new Map(flags.map((flag) => [flag, 'old']))

/** The machine that the runbooks act on: they are made and planned once for all cases. */
let current = new Machine()
const books = { set: bookOf('set'), rerunnable: bookOf('rerunnable') }

function machine(kind: 'set' | 'rerunnable'): { machine: Machine; book: Runbook } {
  current = new Machine()
  for (const [flag, value] of before) current.world.flags.set(flag, value)
  return { machine: current, book: books[kind] }
}

const state = (made: Machine): string => flags.map((flag) => made.world.flags.get(flag)).join(' ')

async function untilDead(work: () => Promise<unknown>): Promise<'dead' | 'ended'> {
  try {
    await work()
    return 'ended'
  } catch (thrown) {
    if (thrown instanceof Killed) return 'dead'
    throw thrown
  }
}

/** Takes an open run up again until it is settled; `back` turns to `forward` behind the point of no return, where there is no way back. */
async function settle(made: Machine, book: Runbook, way: 'forward' | 'back'): Promise<string> {
  for (let tries = 0; tries < 4; tries += 1) {
    made.boot()
    const pivoted = made.entries.some(({ entry }) => entry.type === 'pivoted')
    const turned = made.entries.some(({ entry }) => entry.type === 'turned')
    const { outcome } = await made.resume(book, turned ? 'back' : pivoted ? 'forward' : way)
    if (outcome === 'succeeded' || outcome === 'rolled-back') return outcome
  }
  return 'not settled'
}

function check(made: Machine, outcome: string, where: string): void {
  if (outcome === 'succeeded') expect(state(made), where).toBe('new new new new new')
  else {
    expect(outcome, where).toBe('rolled-back')
    expect(state(made), where).toBe('old old old old old')
  }
  expect(made.world.flags.get('told'), where).toBe('yes')
}

async function operationsOf(kind: 'set' | 'rerunnable'): Promise<number> {
  const { machine: made, book } = machine(kind)
  made.boot()
  expect((await made.begin(book)).code).toBe('succeeded')
  return made.power.count
}

describe.each(['set', 'rerunnable'] as const)(
  'a run of steps that are %s, killed at every operation',
  (kind) => {
    it.each(['forward', 'back'] as const)(
      'ends settled when it is taken up %s',
      { timeout: 120_000 },
      async (way) => {
        const operations = await operationsOf(kind)
        let killed = 0
        for (let at = 0; at < operations; at += 1) {
          const { machine: made, book } = machine(kind)
          made.boot(new Power(at))
          const ended = await untilDead(() => made.begin(book))
          if (ended === 'ended' || made.entries.length === 0) continue
          killed += 1
          if (made.entries.some(({ entry }) => entry.type === 'settled' && entry.outcome === 'succeeded'))
            continue
          check(made, await settle(made, book, way), `killed at ${at}`)
        }
        expect(killed).toBeGreaterThan(40)
      },
    )

    it.each(['forward', 'back'] as const)(
      'ends settled when the power went with it, and took outcomes that were not durable yet: %s',
      { timeout: 120_000 },
      async (way) => {
        const operations = await operationsOf(kind)
        const lost = new Map<number, number>()
        for (let at = 0; at < operations; at += 1) {
          const { machine: made, book } = machine(kind)
          made.boot(new Power(at))
          if ((await untilDead(() => made.begin(book))) === 'ended') continue
          const taken = made.journal.cutPower()
          if (made.entries.length === 0) continue
          if (made.entries.some(({ entry }) => entry.type === 'settled')) continue
          lost.set(taken, (lost.get(taken) ?? 0) + 1)
          check(made, await settle(made, book, way), `the power went at ${at}`)
        }
        // One outcome, and more where steps ran in parallel or only looked.
        expect(lost.get(1)).toBeGreaterThan(5)
        expect(Math.max(...lost.keys())).toBeGreaterThan(1)
      },
    )

    it('has its complete evidence told of, at least once and never before', async () => {
      const operations = await operationsOf(kind)
      let resealed = 0
      for (let at = 0; at < operations; at += 1) {
        const { machine: made, book } = machine(kind)
        made.boot(new Power(at))
        await untilDead(() => made.begin(book))
        if (made.told.length > 0) expect(made.sealed, `killed at ${at}`).not.toEqual([])
        if (!made.entries.some(({ entry }) => entry.type === 'settled')) continue
        if (!made.entries.some(({ entry }) => entry.type === 'sealed')) {
          resealed += 1
          expect((await made.boot().resume(book, 'forward')).code, `killed at ${at}`).toBe('succeeded')
        }
        expect(made.told, `killed at ${at}`).not.toEqual([])
      }
      expect(resealed).toBeGreaterThan(3)
    })

    it('ends settled when the recovery is killed at every operation too', { timeout: 120_000 }, async () => {
      const operations = await operationsOf(kind)
      let cases = 0
      for (let at = 2; at < operations; at += 3) {
        for (let again = 0; again < 60; again += 1) {
          const { machine: made, book } = machine(kind)
          made.boot(new Power(at))
          await untilDead(() => made.begin(book))
          if (
            made.entries.length === 0 ||
            made.entries.some(({ entry }) => entry.type === 'settled' && entry.outcome === 'succeeded')
          )
            break
          made.boot(new Power(again))
          const pivoted = made.entries.some(({ entry }) => entry.type === 'pivoted')
          const turned = made.entries.some(({ entry }) => entry.type === 'turned')
          const ended = await untilDead(() =>
            made.resume(book, turned ? 'back' : pivoted || again % 2 === 0 ? 'forward' : 'back'),
          )
          cases += 1
          const settled = made.entries.findLast(({ entry }) => entry.type === 'settled')
          if (ended === 'ended' || settled !== undefined) {
            const outcome = settled?.entry.type === 'settled' ? settled.entry.outcome : 'none'
            if (outcome !== 'needs-human') {
              check(made, outcome, `killed at ${at} and ${again}`)
              if (ended === 'ended') break
              continue
            }
          }
          check(
            made,
            await settle(made, book, again % 2 === 0 ? 'forward' : 'back'),
            `killed at ${at} and ${again}`,
          )
        }
      }
      expect(cases).toBeGreaterThan(300)
    })
  },
)

describe('a run in which one step fails', () => {
  it.each(
    ['first', 'second', 'third', 'fourth'].flatMap((flag) =>
      (['before', 'after'] as const).map((when) => ({ flag, when })),
    ),
  )(
    'rolls back when $flag fails $when its effect, also when killed at every operation',
    { timeout: 120_000 },
    async ({ flag, when }) => {
      const fresh = machine('set')
      fresh.machine.world.faults.set(flag, when)
      fresh.machine.boot()
      const whole = await fresh.machine.begin(fresh.book)
      expect(whole.code).toBe('failed')
      check(fresh.machine, whole.outcome, 'not killed')
      for (let at = 0; at < fresh.machine.power.count; at += 1) {
        const { machine: made, book } = machine('set')
        made.world.faults.set(flag, when)
        made.boot(new Power(at))
        const ended = await untilDead(() => made.begin(book))
        if (ended === 'ended' || made.entries.length === 0) continue
        if (made.entries.some(({ entry }) => entry.type === 'settled')) continue
        check(made, await settle(made, book, 'back'), `killed at ${at}`)
      }
    },
  )

  it('undoes in reverse order, the failed step included', async () => {
    const { machine: made, book } = machine('set')
    made.world.faults.set('fourth', 'after')
    made.boot()
    await made.begin(book)
    const undone = made.world.deeds.filter((deed) => deed.startsWith('undo'))
    expect(undone).toEqual(['undo fourth', 'undo third', 'undo second', 'undo first'])
  })

  it('stops the way back at an undo that fails, and goes on with it later', async () => {
    const { machine: made, book } = machine('set')
    made.world.faults.set('fourth', 'after')
    made.world.stubborn.add('second')
    made.boot()
    const { code, outcome } = await made.begin(book)
    expect({ code, outcome }).toEqual({ code: 'rollback-incomplete', outcome: 'needs-human' })
    expect(state(made)).toBe('new new old old old')
    await expect(made.boot().begin(book)).rejects.toMatchObject({ code: 'held' })
    const [stuck] = made.journal.runsById.keys()
    const ahead = await made.boot().begin(book, {}, 'dry-run')
    expect(ahead).toMatchObject({
      code: 'preflight',
      outcome: 'foretold',
      findings: [{ level: 'refuse', about: 'target', problem: expect.stringContaining(String(stuck)) }],
    })
    made.journal.runsById.delete(ahead.run)
    made.world.stubborn.clear()
    const again = await made.boot().resume(book, 'back')
    expect(again).toMatchObject({ code: 'succeeded', outcome: 'rolled-back' })
    expect(state(made)).toBe('old old old old old')
  })

  it('waits for a person behind the point of no return, and goes forward from there', async () => {
    const { machine: made, book } = machine('set')
    made.world.faults.set('fifth', 'before')
    made.boot()
    expect(await made.begin(book)).toMatchObject({ code: 'in-doubt', outcome: 'needs-human' })
    await expect(made.boot().resume(book, 'back')).rejects.toMatchObject({ code: 'usage' })
    made.world.faults.clear()
    expect(await made.boot().resume(book, 'forward')).toMatchObject({ code: 'succeeded' })
    expect(state(made)).toBe('new new new new new')
  })
})
