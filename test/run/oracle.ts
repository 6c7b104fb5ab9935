import { expect } from 'vitest'
import { agendaOf, type Todo } from '../../src/run/engine/agenda.ts'
import { chainFault } from '../../src/run/journal/hash-chain.ts'
import type { Entry, Stored } from '../../src/run/journal/entry.ts'
import { stateOf } from '../../src/run/journal/state.ts'

const of = (entries: readonly Stored[]): readonly Entry[] => entries.map(({ entry }) => entry)

/** What must hold of every journal, whatever happened, at every moment of it. */
export function holds(entries: readonly Stored[]): void {
  expect(chainFault(entries)).toBeNull()
  for (let length = 1; length <= entries.length; length += 1) agendaHolds(entries.slice(0, length))
  recordedOutcomesStand(of(entries))
  nothingGoesBackBehindThePivot(of(entries))
  theWayBackIsReversed(entries)
}

const flat = (todos: readonly Todo[]): readonly Exclude<Todo, { do: 'together' }>[] =>
  todos.flatMap((todo) => (todo.do === 'together' ? flat(todo.todos) : [todo]))

/** The agenda names nothing twice, nothing that has ended, and nothing to undo that cannot have happened. */
function agendaHolds(entries: readonly Stored[]): void {
  const state = stateOf(entries)
  const { act, todos } = agendaOf(state)
  const steps = flat(todos).flatMap((todo) =>
    'step' in todo ? [{ do: todo.do, id: todo.step.id, now: state.steps.get(todo.step.id) }] : [],
  )
  expect(new Set(steps.map(({ id }) => id)).size).toBe(steps.length)
  for (const { do: what, now } of steps) {
    if (what === 'undo')
      expect(now).toMatchObject({ attempts: expect.toSatisfy((attempts: number) => attempts > 0) as number })
    else expect(['waiting', 'doubt']).toContain(now?.status)
    if (what === 'undo') expect(now?.undo).not.toBe('undone')
  }
  const order = state.plan.steps.map(({ id }) => id)
  const positions = steps.map(({ id }) => order.indexOf(id))
  if (act === 'back') expect(positions).toEqual([...positions].sort((one, other) => other - one))
  if (state.pivoted) expect(['forward', 'lastly', 'settle']).toContain(act)
  if (state.settled !== null && state.settled.outcome !== 'needs-human')
    expect({ act, todos }).toEqual({ act: 'settle', todos: [] })
}

/** A step that ended well is never begun again, but for the last ones, which tell another ending. */
function recordedOutcomesStand(entries: readonly Entry[]): void {
  const opened = entries[0]
  const last = new Set(
    opened?.type === 'opened'
      ? opened.plan.steps.filter(({ phase }) => phase === 'lastly').map(({ id }) => id)
      : [],
  )
  const done = new Set<string>()
  for (const entry of entries) {
    if (entry.type === 'intent' && !last.has(entry.step))
      expect(done, `${entry.step} was begun again`).not.toContain(entry.step)
    if (entry.type === 'ended' && entry.failure === null) done.add(entry.step)
  }
}

function nothingGoesBackBehindThePivot(entries: readonly Entry[]): void {
  const opened = entries[0]
  const committed = new Set(
    opened?.type === 'opened'
      ? opened.plan.steps.filter(({ phase }) => phase === 'committed').map(({ id }) => id)
      : [],
  )
  const pivot = entries.findIndex(({ type }) => type === 'pivoted')
  if (pivot < 0) return
  for (const entry of entries.slice(pivot)) {
    expect(entry.type).not.toBe('turned')
    // A half of a step that is begun anew is cleared away first.
    if (entry.type === 'undo-intent') expect(committed).toContain(entry.step)
  }
}

function theWayBackIsReversed(entries: readonly Stored[]): void {
  const all = of(entries)
  const turned = all.findIndex(({ type }) => type === 'turned')
  if (turned < 0) return
  const { plan, settled } = stateOf(entries)
  const order = plan.steps.map(({ id }) => id)
  const undone = all
    .slice(turned)
    .flatMap((entry) => (entry.type === 'undo-ended' && entry.result !== 'failed' ? [entry.step] : []))
  expect(undone).toEqual([...undone].sort((one, other) => order.indexOf(other) - order.indexOf(one)))
  if (settled?.outcome !== 'rolled-back') return
  const acted = plan.steps
    .filter(({ phase, reversal }) => phase !== 'lastly' && reversal !== 'not needed')
    .map(({ id }) => id)
  const begun = new Set(
    all.flatMap((entry) => (entry.type === 'intent' && acted.includes(entry.step) ? [entry.step] : [])),
  )
  const { steps } = stateOf(entries)
  for (const step of begun) expect(steps.get(step)?.undo, `${step} was not undone`).toBe('undone')
}
