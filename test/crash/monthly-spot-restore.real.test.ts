import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Stored } from '../../src/run/journal/entry.ts'
import { program } from '../fixtures/requirements.ts'
import { KillMatrix } from './kill-matrix.ts'
import { casesOfStep, pointsOfUndo, stepsOf, wrongWayFirst } from './points.ts'
import type { Fate } from './recovery.ts'
import { SpotSite, SpotTemplate } from './spot-site.ts'

const fates = {
  EUR: { outcome: 'succeeded' },
  USD: { outcome: 'rolled-back', exit: 14 },
} as const satisfies Record<string, Fate>
type Currency = keyof typeof fates

describe.skipIf(!program('gpg'))('monthly-spot-restore, killed', () => {
  let template: SpotTemplate
  let good: readonly Stored[]
  let bad: readonly Stored[]
  const matrix = new KillMatrix<Currency, SpotSite>({
    name: 'monthly-spot-restore',
    open: (currency) => SpotSite.open(template, currency),
    run: (site) => site.run,
    dryRun: (site) => [...site.run, '--dry-run'],
    confirm: () => [],
    fate: (currency) => fates[currency],
    expectLeft: (site) => site.expectClean(),
  })
  beforeAll(async () => {
    template = new SpotTemplate()
    good = await matrix.reference('EUR')
    bad = await matrix.reference('USD')
  })
  afterAll(() => {
    template[Symbol.dispose]()
    matrix.report()
  })

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
      expect(stepsOf(good)).toEqual(steps)
      await matrix.survives('EUR', casesOfStep(good, step))
    },
    600_000,
  )

  const undone = ['extract-the-data-archive', 'extract-the-release-bundle', 'make-a-staging-folder']

  it.each(undone)(
    'on its way back, in the undo of %s',
    async (step) => {
      expect(stepsOf(bad, 'undo-intent')).toEqual(undone)
      await matrix.survives('USD', wrongWayFirst(pointsOfUndo(bad, step), 'resume'))
    },
    600_000,
  )
})
