import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Stored } from '../../src/run/journal/entry.ts'
import {
  casesAfterIntent,
  casesOfStep,
  inOneWay,
  pointsOfRun,
  pointsOfStep,
  stepsOf,
  wrongWayFirst,
} from './points.ts'
import { SqliteMatrix, type Setting } from './sqlite-matrix.ts'

let matrix: SqliteMatrix
beforeAll(() => {
  matrix = new SqliteMatrix()
})
afterAll(() => matrix[Symbol.dispose]())

const well: Setting = { strategy: 'beside', breakage: null }

describe('full-db-rollback beside, killed', () => {
  let told: readonly Stored[]
  beforeAll(async () => {
    told = await matrix.reference(well)
  })

  const reversible = [
    'choose-and-verify-the-dump',
    'check-that-server-tools-and-dump-fit',
    'compare-the-dump-with-the-live-database',
    'ask-the-operator',
    'restore-beside-the-live-database',
    'assert-on-the-copy',
    'stop-writers',
    'swap-the-restored-database-in',
    'start-writers',
    'check-health',
    'run-smoke-tests',
  ]
  const committed = [
    'record-the-old-data',
    'dump-the-old-database-now-that-the-service-is-back',
    'log-the-result',
  ]

  it.each(reversible)(
    'in %s',
    async (step) => {
      await matrix.survives(well, casesOfStep(told, step))
    },
    600_000,
  )

  it.each(committed)(
    'in %s',
    async (step) => {
      expect(stepsOf(told)).toEqual([...reversible, ...committed])
      await matrix.survives(well, wrongWayFirst(pointsOfStep(told, step), 'rollback'))
    },
    600_000,
  )

  it('between steps', async () => {
    await matrix.survives(well, [
      ...inOneWay(pointsOfRun(['opened', 'pivoted', 'settled', 'sealed'])),
      ...casesAfterIntent('swap-the-restored-database-in'),
    ])
  }, 600_000)
})

describe('full-db-rollback in place, killed', () => {
  const setting: Setting = { strategy: 'in-place', breakage: null }
  let told: readonly Stored[]
  beforeAll(async () => {
    told = await matrix.reference(setting)
  })

  // The other steps are those of `beside`.
  it.each(['dump-production-as-it-stands', 'restore-the-dump-in-place', 'assert-on-the-restored-data'])(
    'in %s',
    async (step) => {
      await matrix.survives(setting, casesOfStep(told, step))
    },
    600_000,
  )
})
