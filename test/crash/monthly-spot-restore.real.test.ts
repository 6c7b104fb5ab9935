import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Stored } from '../../src/run/journal/entry.ts'
import { program } from '../fixtures/requirements.ts'
import { crash } from './crash.ts'
import { inLanes } from './lanes.ts'
import {
  casesOfStep,
  inOneWay,
  pointsOfRun,
  pointsOfUndo,
  stepsOf,
  wrongWayFirst,
  type Case,
} from './points.ts'
import type { Fate } from './recovery.ts'
import { whole } from './scene.ts'
import { SpotSite, SpotTemplate } from './spot-site.ts'

const fates = {
  EUR: { outcome: 'succeeded' },
  USD: { outcome: 'rolled-back', exit: 14 },
} as const satisfies Record<string, Fate>
type Currency = keyof typeof fates

const oneIn = 8

describe.skipIf(!program('gpg'))('monthly-spot-restore, killed', () => {
  let template: SpotTemplate
  let good: readonly Stored[]
  let bad: readonly Stored[]
  let count = 0
  let notReached = 0
  beforeAll(async () => {
    template = new SpotTemplate()
    good = await reference('EUR')
    bad = await reference('USD')
  })
  afterAll(() => {
    template[Symbol.dispose]()
    process.stdout.write(`monthly-spot-restore: ${count} crashes, of which ${notReached} came too late\n`)
  })

  async function reference(currency: Currency): Promise<readonly Stored[]> {
    await using site = await SpotSite.open(template, currency)
    const fate: Fate = fates[currency]
    const finished = await site.scene.type(site.run)
    expect(finished.code, whole(finished)).toBe(fate.outcome === 'succeeded' ? 0 : fate.exit)
    const entries = await site.scene.entries()
    await judge(site, fate.outcome, entries, true)
    return entries
  }

  async function survive(currency: Currency, one: Case): Promise<void> {
    count += 1
    const thorough = count % oneIn === 0
    await using site = await SpotSite.open(template, currency)
    const { killed, outcome, entries } = await crash(site.scene, site.run, one, fates[currency], [])
    if (!killed) notReached += 1
    await judge(site, outcome, entries, thorough)
  }

  async function judge(
    site: SpotSite,
    outcome: string,
    entries: readonly Stored[],
    thorough: boolean,
  ): Promise<void> {
    const dryRun = thorough ? [...site.run, '--dry-run'] : null
    if (outcome === 'never begun') await site.scene.expectNothingOpen(dryRun)
    else await site.scene.expectSettled(entries, outcome, dryRun)
    await site.expectClean()
    if (outcome !== 'never begun') await site.expectTold(outcome, entries[0]?.run ?? '')
  }

  const steps = [
    'choose-and-verify-the-release-bundle',
    'choose-and-verify-the-data-archive',
    'make-a-staging-folder',
    'extract-the-release-bundle',
    'extract-the-data-archive',
    'install-production-dependencies',
    'start-the-release-with-its-dry-run-switch',
    'spot-check-key-files',
    'empty-staging',
    'log-the-result',
  ]

  it.each(steps)(
    'in %s',
    async (step) => {
      expect(await inLanes(casesOfStep(good, step), (one) => survive('EUR', one))).toEqual([])
    },
    600_000,
  )

  it('between steps', async () => {
    expect(stepsOf(good)).toEqual(steps)
    expect(
      await inLanes(inOneWay(pointsOfRun(['opened', 'preflighted', 'settled', 'sealed'])), (one) =>
        survive('EUR', one),
      ),
    ).toEqual([])
  }, 600_000)

  const undone = ['extract-the-data-archive', 'extract-the-release-bundle', 'make-a-staging-folder']

  it.each(undone)(
    'on its way back, in the undo of %s',
    async (step) => {
      expect(stepsOf(bad, 'undo-intent')).toEqual(undone)
      expect(
        await inLanes(wrongWayFirst(pointsOfUndo(bad, step), 'resume'), (one) => survive('USD', one)),
      ).toEqual([])
    },
    600_000,
  )

  it('on its way back, between steps', async () => {
    expect(
      await inLanes(inOneWay(pointsOfRun(['turned', 'settled', 'sealed'])), (one) => survive('USD', one)),
    ).toEqual([])
  }, 600_000)
})
