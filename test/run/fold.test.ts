import { expect, it } from 'vitest'
import { RunFold, stateOf } from '../../src/run/journal/state.ts'
import { badRun, goodRun } from '../fixtures/runs.ts'

it.each([
  ['succeeded', goodRun],
  ['failed', badRun],
])('a state of a run that %s does not change when entries are added', (_, entriesOf) => {
  const entries = entriesOf()
  const fold = new RunFold(entries[0])
  const states = [fold.state]
  for (const stored of entries.slice(1)) {
    fold.add(stored)
    states.push(fold.state)
  }
  expect(states.length).toBeGreaterThan(5)
  for (const [index, state] of states.entries()) expect(state).toEqual(stateOf(entries.slice(0, index + 1)))
  expect(states[0]?.steps).not.toEqual(states.at(-1)?.steps)
})
