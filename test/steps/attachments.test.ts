import { describe, expect, it } from 'vitest'
import rollback from '../../runbooks/full-db-rollback.ts'
import type { Attachment } from '../../src/drivers/databases.ts'
import { fakeMachine, type FakeWorld } from '../../src/testing/index.ts'
import { damagedShop, shop } from './fake-shop.ts'

const of = (what: Attachment['what'], name: string, active: boolean): Attachment => ({ what, name, active })

const having = (...attachments: readonly Attachment[]): FakeWorld => {
  const world = damagedShop()
  world.server.attachments.push(...attachments)
  return world
}
const started = async (world: FakeWorld, strategy: string, how: 'run' | 'dryRun' = 'run') =>
  fakeMachine(world, { book: rollback, target: shop })[how]({ strategy })

describe('what blocks an exchange is found before anything is touched', () => {
  it.each([
    [of('prepared transaction', "it's open", true), 'beside', "ROLLBACK PREPARED 'it''s open'"],
    [of('prepared transaction', 'x', true), 'in-place', 'ROLLBACK PREPARED'],
    [of('subscription', 'feed', true), 'beside', 'ALTER SUBSCRIPTION "feed" DISABLE'],
    [of('subscription', 'feed', true), 'in-place', 'ALTER SUBSCRIPTION "feed" DISABLE'],
  ])('%j, strategy %s', async (one, strategy, hint) => {
    for (const how of ['dryRun', 'run'] as const) {
      const world = having(one)
      const result = await started(world, strategy, how)
      expect(result.code).toBe('preflight')
      expect(result.findings).toContainEqual(
        expect.objectContaining({
          level: 'refuse',
          problem: expect.stringContaining(one.name) as string,
          hint: expect.stringContaining(hint) as string,
        }),
      )
      expect(world.faults.reached).not.toContain('services.stop')
    }
  })
})

describe('what stays with the old database is a warning', () => {
  it.each([
    [of('replication slot', 'cdc', false), 'keeps WAL'],
    [of('replication slot', 'cdc', true), 'its consumer is disconnected'],
    [of('subscription', 'feed', false), 'the restored one has none'],
    [of('scheduled jobs', 'pg_cron', true), 'those of the dump'],
    [of('background worker', 'my scheduler', true), 'goes back to the old one'],
    [of('security label', 'selinux', false), 'stays with the old database'],
  ])('%j', async (one, becomes) => {
    const result = await started(having(one), 'beside')
    expect(result).toMatchObject({ code: 'succeeded' })
    expect(result.findings).toContainEqual(
      expect.objectContaining({ level: 'warn', problem: expect.stringContaining(becomes) as string }),
    )
  })

  it('and unknown where the server does not say', async () => {
    const world = having()
    world.faults.order('databases.attachments', 'fail')
    const result = await started(world, 'beside')
    expect(result.findings).toContainEqual(
      expect.objectContaining({ level: 'warn', problem: expect.stringContaining('are unknown') as string }),
    )
  })
})
