import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Stored } from '../../src/run/journal/entry.ts'
import { crash } from './crash.ts'
import type { Kill } from './kill.ts'
import { inLanes } from './lanes.ts'
import {
  inBothWays,
  pointsOfRun,
  pointsOfStep,
  pointsOfUndo,
  stepsOf,
  wrongWayFirst,
  type Case,
} from './points.ts'
import type { Fate } from './recovery.ts'
import { whole } from './scene.ts'
import { ShopTemplate, SqliteShop, type Breakage } from './sqlite-shop.ts'

type Strategy = 'beside' | 'in-place'
type Setting = { readonly strategy: Strategy; readonly breakage: Breakage }

const fateOf = ({ breakage }: Setting): Fate =>
  breakage === null ? { outcome: 'succeeded' } : { outcome: 'rolled-back', exit: 10 }
const oneIn = 4

let template: ShopTemplate
let count = 0
let notReached = 0
beforeAll(() => {
  template = new ShopTemplate()
})
afterAll(() => {
  template[Symbol.dispose]()
  process.stdout.write(
    `full-db-rollback on SQLite and processes: ${count} crashes, of which ${notReached} came too late\n`,
  )
})

/** The journal of a run that nobody kills. */
async function reference(setting: Setting): Promise<readonly Stored[]> {
  await using shop = await SqliteShop.open(template, setting.breakage)
  const finished = await shop.scene.type(shop.run(setting.strategy))
  const fate = fateOf(setting)
  expect(finished.code, whole(finished)).toBe(fate.outcome === 'succeeded' ? 0 : fate.exit)
  const entries = await shop.scene.entries()
  await judge(shop, setting.strategy, fate.outcome, entries, true)
  return entries
}

async function survive(setting: Setting, one: Case & { readonly again?: Kill }): Promise<void> {
  count += 1
  const thorough = count % oneIn === 0
  await using shop = await SqliteShop.open(template, setting.breakage)
  const { killed, outcome, entries } = await crash(
    shop.scene,
    shop.run(setting.strategy),
    one,
    fateOf(setting),
    shop.confirm,
  )
  if (!killed) notReached += 1
  await judge(shop, setting.strategy, outcome, entries, thorough)
}

async function judge(
  shop: SqliteShop,
  strategy: Strategy,
  outcome: string,
  entries: readonly Stored[],
  thorough: boolean,
): Promise<void> {
  const dryRun = thorough ? shop.run('beside', '--dry-run') : null
  if (outcome === 'never begun') await shop.scene.expectNothingOpen(dryRun)
  else await shop.scene.expectSettled(entries, outcome, dryRun)
  if (outcome === 'succeeded')
    await shop.expectData('new', strategy === 'beside' ? ['aside', 'replaced'] : ['before-rollback'])
  else await shop.expectData('old', [])
  if (outcome !== 'never begun') await shop.expectTold(outcome, entries[0]?.run ?? '')
}

const well: Setting = { strategy: 'beside', breakage: null }

describe('full-db-rollback beside, killed', () => {
  let told: readonly Stored[]
  beforeAll(async () => {
    told = await reference(well)
  })

  const reversible = [
    'choose-and-verify-the-dump',
    'check-that-server-tools-and-dump-fit',
    'ask-the-operator',
    'restore-beside-the-live-database',
    'assert-on-the-copy',
    'stop-writers',
    'swap-the-restored-database-in',
    'start-writers',
    'check-health',
    'run-smoke-tests',
  ]
  const committed = ['dump-the-old-database-now-that-the-service-is-back', 'log-the-result']

  it.each(reversible)(
    'in %s',
    async (step) => {
      expect(await inLanes(inBothWays(pointsOfStep(told, step)), (one) => survive(well, one))).toEqual([])
    },
    600_000,
  )

  it.each(committed)(
    'in %s',
    async (step) => {
      expect(stepsOf(told)).toEqual([...reversible, ...committed])
      expect(
        await inLanes(wrongWayFirst(pointsOfStep(told, step), 'rollback'), (one) => survive(well, one)),
      ).toEqual([])
    },
    600_000,
  )

  it('between steps', async () => {
    expect(
      await inLanes(inBothWays(pointsOfRun(['opened', 'pivoted', 'settled', 'sealed'])), (one) =>
        survive(well, one),
      ),
    ).toEqual([])
  }, 600_000)
})

describe('full-db-rollback in place, killed', () => {
  const setting: Setting = { strategy: 'in-place', breakage: null }
  let told: readonly Stored[]
  beforeAll(async () => {
    told = await reference(setting)
  })

  it.each([
    'stop-writers-for-the-restore-in-place',
    'dump-production-as-it-stands',
    'restore-the-dump-in-place',
    'assert-on-the-restored-data',
    'start-writers',
    'check-health',
  ])(
    'in %s',
    async (step) => {
      expect(await inLanes(inBothWays(pointsOfStep(told, step)), (one) => survive(setting, one))).toEqual([])
    },
    600_000,
  )
})

describe.each<Setting>([
  { strategy: 'beside', breakage: 'health' },
  { strategy: 'in-place', breakage: 'smoke' },
])('full-db-rollback $strategy, killed on its way back from bad $breakage', (setting) => {
  let told: readonly Stored[]
  beforeAll(async () => {
    told = await reference(setting)
  })

  const undone =
    setting.strategy === 'beside'
      ? ['start-writers', 'swap-the-restored-database-in', 'stop-writers', 'restore-beside-the-live-database']
      : [
          'start-writers',
          'restore-the-dump-in-place',
          'dump-production-as-it-stands',
          'stop-writers-for-the-restore-in-place',
        ]

  it.each(undone)(
    'in the undo of %s',
    async (step) => {
      expect(stepsOf(told, 'undo-intent')).toEqual(undone)
      expect(
        await inLanes(wrongWayFirst(pointsOfUndo(told, step), 'resume'), (one) => survive(setting, one)),
      ).toEqual([])
    },
    600_000,
  )

  it('between steps', async () => {
    expect(
      await inLanes(inBothWays(pointsOfRun(['turned', 'settled', 'sealed'])), (one) => survive(setting, one)),
    ).toEqual([])
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

  it.each([
    'restore-beside-the-live-database',
    'stop-writers',
    'swap-the-restored-database-in',
    'start-writers',
  ])(
    'the first time in %s',
    async (step) => {
      const cases = inBothWays(
        second.map((again) => ({ point: `again ${again.when} entry ${again.count}`, kill: again })),
      )
      const first: Kill = { when: 'after', type: 'intent', step }
      expect(
        await inLanes(cases, ({ name, way, kill }) => survive(well, { name, way, kill: first, again: kill })),
      ).toEqual([])
    },
    600_000,
  )
})
