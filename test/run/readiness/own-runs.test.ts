import { expect, it } from 'vitest'
import rollback from '../../../runbooks/full-db-rollback.ts'
import { RunbookError } from '../../../src/kernel/errors.ts'
import { planOf } from '../../../src/model/plan.ts'
import { drillCalendar } from '../../../src/run/readiness/drill-calendar.ts'
import { runGauges } from '../../../src/run/readiness/gauges.ts'
import { linked } from '../../../src/run/journal/hash-chain.ts'
import { genesisHash } from '../../../src/run/journal/entry.ts'
import { alias, till } from '../../steps/fake-till.ts'
import { opened } from '../../fixtures/entries.ts'
import { after, down, intent, journalOf as entriesOf, planWith, up } from '../../fixtures/told-run.ts'
import { journalOf, shop, succeeded } from './healthy.ts'

const at = '2026-02-03T04:00:00Z'
const now = new Date('2026-02-03T05:00:00Z')
const targets = { till, alias }
const journal = journalOf(
  Object.values(targets).map((target) => ({
    ...succeeded('restore-test', at, target),
    run: target.name,
    outcome: null,
  })),
  {
    read: async (run) => {
      const target = Object.values(targets).find(({ name }) => name === run)
      if (target === undefined) throw new RunbookError('journal', 'damaged')
      const { plan } = planOf(rollback, target, { strategy: 'beside' })
      return [linked({ run, seq: 0, epoch: 1, at, previous: genesisHash, entry: { ...opened(), plan } })]
    },
  },
)

it('a target counts its own runs and those on the same database, and none of a neighbour in its stack', async () => {
  const open = (await runGauges(shop, journal)).find(({ name }) => name === 'open_runs')
  expect(open?.value).toBe(1)
  expect((await runGauges(till, journal)).find(({ name }) => name === 'open_runs')?.value).toBe(1)
})

it('a drill of a neighbour proves nothing for the target; one under its other name does', async () => {
  const proven = (name: 'till' | 'alias') =>
    drillCalendar(
      shop,
      (drill) => (drill === 'restore-test' ? null : 'other'),
      journalOf([{ ...succeeded('restore-test', at, targets[name]), run: name }], { read: journal.read }),
      now,
    )
  expect(await proven('till')).toMatchObject([{ drill: 'restore-test', proof: null, state: 'never' }])
  expect(await proven('alias')).toMatchObject([{ drill: 'restore-test', state: 'proven' }])
})

it('a service that an open run has down is a number for monitors, since when', async () => {
  const plan = planWith([
    { title: 'Stop writers', ...down },
    { title: 'Check health', ...up },
  ])
  const dead = journalOf([{ ...succeeded('full-db-rollback', at, till), outcome: null }], {
    read: async () => entriesOf(plan, [[1, intent('Stop writers')]]),
  })
  const downSince = async (from: typeof dead) =>
    (await runGauges(till, from)).filter(({ name }) => name === 'down_since_timestamp_seconds')
  expect(await downSince(dead)).toMatchObject([
    { value: Date.parse(after(1)) / 1000, labels: { runbook: 'full-db-rollback' } },
  ])
  expect(await downSince(journal)).toEqual([])
})
