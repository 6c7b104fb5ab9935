import { describe, expect, it } from 'vitest'
import rollback from '../../runbooks/full-db-rollback.ts'
import recover from '../../runbooks/recover-records.ts'
import type { ChangeNeedingRights, MissingRight } from '../../src/drivers/databases.ts'
import { fakeMachine, type FakeWorld } from '../../src/testing/index.ts'
import { restoreBeside } from '../../steps/databases/restore-beside.ts'
import { missingRightsFindings } from '../../steps/databases/lib/missing-rights.ts'
import { damagedShop, shop } from './fake-shop.ts'
import { handsOn, opened } from './hands.ts'

const { database } = shop
if (database === undefined) throw new Error('the shop has a database')

const createdb: MissingRight = { lacks: 'CREATEDB', certain: true, cures: ['ALTER ROLE app CREATEDB'] }
const sessions: MissingRight = {
  lacks: 'the right to end the sessions of billing',
  certain: false,
  cures: ['GRANT pg_signal_backend TO app'],
}
const lacking = (of: ChangeNeedingRights['do'], ...missing: readonly MissingRight[]): FakeWorld => {
  const world = damagedShop()
  world.server.missingRights.push(...missing.map((one) => ({ ...one, of: [of] })))
  return world
}

describe('a role that lacks a right', () => {
  it.each([
    ['restore beside', rollback, { strategy: 'beside' }],
    ['swap', rollback, { strategy: 'beside' }],
    ['restore in place', rollback, { strategy: 'in-place' }],
    ['restore beside', recover, { tables: 'orders:id', key: '1', export: '/export' }],
    ['insert rows', recover, { tables: 'orders:id', key: '1', export: '/export' }],
  ] as const)(
    'to %s is refused before anything happens, with the statement to type',
    async (of, book, params) => {
      for (const how of ['dryRun', 'run'] as const) {
        const world = lacking(of, createdb)
        const result = await fakeMachine(world, { book, target: shop })[how](params as never)
        expect(result.code).toBe('preflight')
        expect(result.findings.filter(({ problem }) => problem.includes('lacks CREATEDB'))).toEqual([
          expect.objectContaining({
            level: 'refuse',
            hint: 'permit it as a superuser: ALTER ROLE app CREATEDB',
          }),
        ])
        expect(world.faults.reached).not.toContain('databases.restoreBeside')
        expect(world.faults.reached).not.toContain('services.stop')
      }
    },
  )

  it('that its dump needs is refused before anything happens', async () => {
    const world = damagedShop()
    world.server.refused.push('extension pageinspect, which is not trusted')
    const result = await fakeMachine(world, { book: rollback, target: shop }).run({})
    expect(result.outcome).not.toBe('succeeded')
    expect(result.failure?.message).toBe(
      'cannot restore the dump: app is not a superuser, and only one can create what it has: extension pageinspect, which is not trusted',
    )
    expect(world.faults.reached).not.toContain('databases.restoreBeside')
  })

  it('is warned of where that may not matter', async () => {
    const world = lacking('swap', sessions)
    const result = await fakeMachine(world, { book: rollback, target: shop }).dryRun({})
    expect(result.findings).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        problem:
          'the role app may be unable to exchange it for a copy (shop), as things are now: it lacks the right to end the sessions of billing',
        hint: 'GRANT pg_signal_backend TO app',
      }),
    )
  })

  it('is told ten rights, and how many more', async () => {
    const many = Array.from({ length: 12 }, (_, index) => ({ ...createdb, lacks: `right ${index}` }))
    const [finding] = await missingRightsFindings(handsOn(lacking('swap', ...many)).look, database, {
      do: 'swap',
    })
    expect(finding?.problem).toMatch(/right 9 and 2 more$/)
    expect(finding?.hint).toBe('permit it as a superuser: ALTER ROLE app CREATEDB')
  })

  it('is unknown where the server does not say', async () => {
    const world = damagedShop()
    world.faults.order('databases.missingRights', 'fail')
    expect(await missingRightsFindings(handsOn(world).look, database, { do: 'swap' })).toEqual([
      expect.objectContaining({ level: 'warn', problem: expect.stringContaining('is unknown') as string }),
    ])
  })
})

describe('the room that a copy needs beside the live database', () => {
  it.each([
    ['sqlite', 1],
    ['postgres', 64],
  ] as const)('has a margin that fits the engine: %s', async (engine, margin) => {
    const world = damagedShop()
    Object.assign(world.server, { engine })
    const { look } = handsOn(world)
    const of = { ...database, engine } as typeof database
    const { bytes } = await look.databases.identity(of)
    const needed = Math.ceil(bytes * 1.1) + margin * 1024 * 1024
    const { step, input } = opened(restoreBeside({ database: of, archive: {} as never }))
    const problems = async (free: number): Promise<readonly string[]> => {
      world.disk.freeBytes = free
      return ((await step.preflight?.(look, input, {} as never)) ?? []).map(({ problem }) => problem)
    }
    expect(await problems(needed)).toEqual([])
    expect(await problems(needed - 1)).toEqual([expect.stringContaining('a second copy of')])
  })
})
