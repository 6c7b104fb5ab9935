import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Stored } from '../../src/run/journal/entry.ts'
import { inOneWay, pointsOfRun, pointsOfUndo, stepsOf, wrongWayFirst } from './points.ts'
import type { Kill } from './kill.ts'
import { SqliteMatrix, type Setting } from './sqlite-matrix.ts'

let matrix: SqliteMatrix
beforeAll(() => {
  matrix = new SqliteMatrix()
})
afterAll(() => matrix[Symbol.dispose]())

describe.each<Setting>([
  { strategy: 'beside', breakage: 'health' },
  { strategy: 'in-place', breakage: 'smoke' },
])('full-db-rollback $strategy, killed on its way back from bad $breakage', (setting) => {
  let told: readonly Stored[]
  beforeAll(async () => {
    told = await matrix.reference(setting)
  })

  const beside = setting.strategy === 'beside'
  const undone = beside
    ? ['start-writers', 'swap-the-restored-database-in', 'stop-writers', 'restore-beside-the-live-database']
    : [
        'start-writers',
        'restore-the-dump-in-place',
        'dump-production-as-it-stands',
        'stop-writers-for-the-restore-in-place',
      ]

  // In place, the undo of the other steps is that of `beside`.
  it.each(beside ? undone : undone.slice(1, 3))(
    'in the undo of %s',
    async (step) => {
      expect(stepsOf(told, 'undo-intent')).toEqual(undone)
      await matrix.survives(setting, wrongWayFirst(pointsOfUndo(told, step), 'resume'))
    },
    600_000,
  )

  if (!beside) return
  it('between steps', async () => {
    // Around the other entries at its end it is killed where it goes well.
    const points = pointsOfRun(['turned', 'sealed']).filter(({ point }) => point !== 'after sealed')
    await matrix.survives(setting, inOneWay(points))
  }, 600_000)
})

describe('full-db-rollback beside, killed and its recovery killed too', () => {
  /** Points of the recovery's own journal, by count: the first entry of all, and some that fall into its steps. */
  const second: readonly Kill[] = [
    { when: 'before', count: 1 },
    { when: 'after', count: 1 },
    { when: 'after', count: 2 },
    { when: 'before', count: 4 },
    { when: 'after', count: 6 },
    { when: 'before', count: 9 },
  ]

  const steps = [
    'restore-beside-the-live-database',
    'stop-writers',
    'swap-the-restored-database-in',
    'start-writers',
  ]
  it.each(steps)(
    'the first time in %s',
    async (step) => {
      // Each of them in one step: docs/testing.md says where all are combined with all.
      const again = second
        .filter((_, index) => index % steps.length === steps.indexOf(step))
        .map((kill) => ({ point: `again ${kill.when} entry ${kill.count}`, kill }))
      const cases = inOneWay(again, steps.indexOf(step) % 2 === 0 ? 'resume' : 'rollback')
      await matrix.survives(
        { strategy: 'beside', breakage: null },
        cases.map(({ name, way, kill }) => ({
          name,
          way,
          kill: { when: 'after', type: 'intent', step },
          again: kill,
        })),
      )
    },
    600_000,
  )
})
