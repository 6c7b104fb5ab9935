import { expect, test } from 'vitest'
import { partName, type LockPart, type LocksView } from '../../../src/drivers/locks.ts'
import { RunbookError } from '../../../src/kernel/errors.ts'
import { planOf } from '../../../src/model/plan.ts'
import { fallbacksOf } from '../../../src/model/runbook.ts'
import { lockPartsOf } from '../../../src/run/engine/lock-parts.ts'
import { lockStandings } from '../../../src/run/readiness/lock-standing.ts'
import rollback from '../../../runbooks/full-db-rollback.ts'
import { shop } from '../../steps/fake-shop.ts'

const by = { run: 'R1', by: 'ada', host: 'db1', since: '2026-02-03T04:12:00.000Z' }
const answering = (answer: LocksView['look']): LocksView => ({ look: answer })

test('what a target names is what its runs lock', async () => {
  const asked: string[] = []
  const seen = await lockStandings(
    shop,
    answering(async (part: LockPart) => {
      asked.push(partName(part))
      return { is: 'free' }
    }),
  )
  const { plan } = planOf(rollback, shop, fallbacksOf(rollback))
  expect(asked).toEqual(expect.arrayContaining(lockPartsOf(plan).map(partName)))
  expect(new Set(asked).size).toBe(asked.length)
  expect(seen.map(({ is }) => is)).toEqual(asked.map(() => 'free'))
})

test.each<[string, LocksView['look'], object]>([
  ['held', async () => ({ is: 'held', by }), { is: 'held', holder: by, why: null }],
  ['held by somebody unknown', async () => ({ is: 'held', by: null }), { is: 'held', holder: null }],
  [
    'where no lock is offered',
    async () => ({ is: 'unavailable', why: 'no rights', hint: 'grant them' }),
    { is: 'not known', holder: null, why: 'no rights' },
  ],
  [
    'where the place does not answer',
    () => Promise.reject(new RunbookError('failed', 'the daemon does not answer')),
    { is: 'not known', holder: null, why: 'the daemon does not answer' },
  ],
])('a lock %s', async (_, look, standing) => {
  const [first] = await lockStandings(shop, answering(look))
  expect(first).toMatchObject(standing)
})
