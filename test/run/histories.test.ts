import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { param } from '../../src/model/param.ts'
import { codeOfState } from '../../src/run/journal/code.ts'
import type { Result } from '../../src/run/engine/ending.ts'
import { stateOf } from '../../src/run/journal/state.ts'
import { Killed } from '../../src/testing/index.ts'
import { bench, fail, look, put, putting, textOf, type Bench, type Loose } from './bench.ts'
import { holds } from './oracle.ts'

type Trouble = 'none' | 'fails before' | 'fails after' | 'fails half-way' | 'lies' | 'hangs' | 'is deaf'
type Drawn = {
  readonly kind: 'put' | 'look'
  readonly place: 'alone' | 'with the one before' | 'taken branch' | 'other branch'
  readonly trouble: Trouble
  /** Runs after which the trouble is over. */
  readonly for: number
  readonly undoFails: number
  readonly rerunnable: boolean
  readonly retries: number
}
type History = {
  readonly steps: readonly Drawn[]
  readonly pivot: number | null
  /** Moments of one process after the other at which it is killed. */
  readonly kills: readonly number[]
  readonly ctrlC: { readonly at: string; readonly times: number } | null
  readonly ways: readonly ('resume' | 'rollback')[]
}

const drawn = fc.record<Drawn>({
  kind: fc.constantFrom('put', 'put', 'look'),
  place: fc.constantFrom('alone', 'alone', 'with the one before', 'taken branch', 'other branch'),
  trouble: fc.oneof(
    { weight: 5, arbitrary: fc.constant<Trouble>('none') },
    {
      weight: 2,
      arbitrary: fc.constantFrom<Trouble>(
        'fails before',
        'fails after',
        'fails half-way',
        'lies',
        'hangs',
        'is deaf',
      ),
    },
  ),
  for: fc.integer({ min: 1, max: 3 }),
  undoFails: fc.constantFrom(0, 0, 0, 1, 4),
  rerunnable: fc.boolean(),
  retries: fc.constantFrom(0, 0, 1, 2),
})

const histories = fc.record<History>({
  steps: fc.array(drawn, { minLength: 1, maxLength: 6 }),
  pivot: fc.option(fc.integer({ min: 0, max: 6 })),
  kills: fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 3 }),
  ctrlC: fc.option(
    fc.record({
      at: fc.constantFrom(
        'files.write',
        'files.stat',
        'journal.append intent done',
        'journal.append ended done',
        'journal.append undo-intent done',
      ),
      times: fc.integer({ min: 1, max: 2 }),
    }),
  ),
  ways: fc.array(fc.constantFrom('resume', 'rollback'), { minLength: 8, maxLength: 8 }),
})

/** Lays the steps out as a runbook: neighbours in groups, branches on a parameter. */
function script(
  { steps, pivot }: History,
  begun: (id: string) => void,
  calm: () => boolean,
): (script: Loose) => void {
  const runs = new Map<string, number>()
  const count = (key: string): number => {
    runs.set(key, (runs.get(key) ?? 0) + 1)
    return runs.get(key) ?? 0
  }
  const call = (one: Drawn, id: string) => {
    const troubled = (): Trouble => (count(id) <= one.for && !calm() ? one.trouble : 'none')
    if (one.kind === 'look')
      return look(async (at) => {
        const trouble = troubled()
        if (trouble === 'hangs') await at.clock.sleep(1e9, at.signal)
        return trouble === 'none' || trouble === 'lies' || trouble === 'is deaf'
          ? { fine: true }
          : fail(`${id} fails`)
      })
    return put(`/${id}`, 'new', {
      rerunnable: one.rerunnable as true,
      run: async (io, act) => {
        begun(id)
        const trouble = troubled()
        if (trouble === 'fails before') fail(`${id} fails`)
        if (trouble === 'lies') return act.input
        if (trouble !== 'none')
          await io.files.write(act.input.path, trouble === 'fails after' ? 'new' : 'half')
        if (trouble === 'hangs') await io.clock.sleep(1e9, io.signal)
        if (trouble === 'is deaf') await new Promise(() => undefined)
        return trouble === 'none' ? putting.run(io, act) : fail(`${id} fails`)
      },
      undo: async (io, act) =>
        count(`undo ${id}`) <= one.undoFails && !calm()
          ? fail(`${id} will not go back`)
          : putting.undo?.(io, act),
    })
  }
  return ({ step, parallel, when, params, pointOfNoReturn, lastly }) => {
    const groups: { readonly drawn: Drawn; readonly id: string }[][] = []
    for (const [index, one] of steps.entries()) {
      const last = groups.at(-1)
      const crosses = pivot !== null && pivot === index
      if (
        one.place === 'with the one before' &&
        last !== undefined &&
        !crosses &&
        !last[0]?.drawn.place.endsWith('branch')
      )
        last.push({ drawn: one, id: `s${index}` })
      else groups.push([{ drawn: one, id: `s${index}` }])
    }
    let index = 0
    for (const group of groups) {
      if (pivot !== null && index === pivot) pointOfNoReturn('enough')
      index += group.length
      const add = ({ drawn: one, id }: (typeof group)[number]): unknown =>
        step(id, call(one, id), { timeoutSeconds: 30, retry: { times: one.retries, delaySeconds: 5 } })
      const [first] = group
      if (first === undefined) continue
      if (first.drawn.place.endsWith('branch'))
        when(
          params['way'] as never,
          {
            one: () => (first.drawn.place === 'taken branch' ? add(first) : undefined),
            other: () => (first.drawn.place === 'other branch' ? add(first) : undefined),
          } as never,
        )
      else if (group.length > 1) parallel(`group ${index}`, () => group.map(add))
      else add(first)
    }
    if (pivot !== null && pivot >= index) pointOfNoReturn('enough')
    lastly(
      'tell',
      look(async () => null),
    )
  }
}

function set(history: History): Bench & { readonly files: readonly string[]; calmDown(): void } {
  let calm = false
  const one: Bench = bench(
    script(
      history,
      (id) => {
        // No effect without a durable intent that is not ended.
        const about = one.machine.entries
          .map(({ entry }) => entry)
          .filter((entry) => 'step' in entry && entry.step === id)
        expect(about.at(-1)?.type, `${id} acts`).toBe('intent')
      },
      () => calm,
    ),
    { params: { way: param.choice('Way', ['one', 'other']) } },
  )
  const files = history.steps.flatMap(({ kind }, index) => (kind === 'put' ? [`/s${index}`] : []))
  for (const path of files) one.world.disk.files.set(path, Buffer.from('old'))
  return {
    ...one,
    files,
    calmDown: () => {
      calm = true
    },
  }
}

/** One process of the run; `null` where it was killed. */
async function process(
  one: Bench,
  work: () => Promise<Result>,
  kill: number | undefined,
  ctrlC: History['ctrlC'],
): Promise<Result | null> {
  const { faults } = one.world
  let asked = 0
  const ask = (moment: string): void => {
    if (ctrlC === null || moment !== ctrlC.at || asked >= ctrlC.times) return
    asked += 1
    one.machine.stop.ask('SIGINT')
  }
  const push = faults.reached.push.bind(faults.reached)
  faults.reached.push = (...moments: string[]) => {
    for (const moment of moments) ask(moment)
    return push(...moments)
  }
  try {
    const running = work()
    if (kill !== undefined) faults.killAfter(kill)
    return await running
  } catch (thrown) {
    if (thrown instanceof Killed) return null
    throw thrown
  } finally {
    faults.reached.push = push
  }
}

async function live(history: History): Promise<void> {
  const one = set(history)
  const { machine, world, files } = one
  const kills = [...history.kills]
  let result = await process(one, () => machine.run({ way: 'one' }), kills.shift(), history.ctrlC)
  for (const [round, wish] of history.ways.entries()) {
    if (machine.entries.length === 0) return
    // Once nothing goes wrong any more, three times must do.
    if (round === history.ways.length - 3) one.calmDown()
    holds(machine.entries)
    const state = stateOf(machine.entries)
    if (result !== null)
      expect(result.code, 'the exit code is told from the state').toBe(
        result.outcome === 'rolled-back' &&
          state.opened.mode === 'run' &&
          round > 0 &&
          result.code === 'succeeded'
          ? 'succeeded'
          : codeOfState(state),
      )
    if (state.settled !== null && state.settled.outcome !== 'needs-human' && state.sealed) break
    const unsealed = state.settled !== null && state.settled.outcome !== 'needs-human'
    const way = unsealed || state.pivoted ? 'resume' : state.way === 'back' ? 'rollback' : wish
    result = await process(one, () => machine[way](), kills.shift(), round === 0 ? history.ctrlC : null)
  }
  const { settled, sealed } = stateOf(machine.entries)
  holds(machine.entries)
  expect(sealed, 'in the end it is settled and sealed').toBe(true)
  const taken = history.steps.flatMap(({ kind, place }, index) =>
    kind === 'put' && place !== 'other branch' ? [`/s${index}`] : [],
  )
  const now = files.map((path) => textOf(world, path))
  if (settled?.outcome === 'succeeded')
    expect(now).toEqual(files.map((path) => (taken.includes(path) ? 'new' : 'old')))
  else {
    expect(settled?.outcome).toBe('rolled-back')
    expect(now).toEqual(files.map(() => 'old'))
  }
}

/** More of them at night: HISTORIES=100000. */
const numRuns = Number(globalThis.process.env['HISTORIES'] ?? 400)

describe('whatever happens to a run', () => {
  it('its journal, its world and its exit code agree', { timeout: 60_000 + numRuns * 100 }, async () => {
    await fc.assert(fc.asyncProperty(histories, live), { numRuns })
  })
})
