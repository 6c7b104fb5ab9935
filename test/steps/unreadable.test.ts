import { describe, expect, it } from 'vitest'
import downgrade from '../../runbooks/migration-downgrade.ts'
import rollback from '../../runbooks/full-db-rollback.ts'
import type { Unreadable } from '../../src/drivers/databases.ts'
import { fakeMachine, type FakeWorld } from '../../src/testing/index.ts'
import { unreadableFindings } from '../../steps/databases/lib/unreadable.ts'
import { api, badApi } from './fake-releases.ts'
import { damagedShop, shop } from './fake-shop.ts'
import { handsOn } from './hands.ts'

const of = (what: Unreadable['what'], name: string): Unreadable => ({
  what,
  name,
  why: 'no SELECT, owner billing',
  cures: [`GRANT SELECT ON TABLE ${name} TO app`],
})
const invoices = of('table', 'billing.invoices')

const having = (world: FakeWorld, ...unreadable: readonly Unreadable[]): FakeWorld => {
  world.server.unreadable.push(...unreadable)
  return world
}
const starts = {
  'full-db-rollback beside': (world: FakeWorld) => ({
    machine: fakeMachine(world, { book: rollback, target: shop }),
    params: { strategy: 'beside' },
  }),
  'full-db-rollback in place': (world: FakeWorld) => ({
    machine: fakeMachine(world, { book: rollback, target: shop }),
    params: { strategy: 'in-place' },
  }),
  'migration-downgrade': (world: FakeWorld) => ({
    machine: fakeMachine(world, { book: downgrade, target: api }),
    params: {},
  }),
}

describe.each(Object.entries(starts))('%s with a table of somebody else', (name, start) => {
  it.each(['dryRun', 'run'] as const)('is refused before writers stop, with the cure: %s', async (how) => {
    const world = having(name === 'migration-downgrade' ? badApi() : damagedShop(), invoices)
    const { machine, params } = start(world)
    const result = await machine[how](params)
    expect(result.code).toBe('preflight')
    const refused = result.findings.filter(({ problem }) => problem.includes('may not read all of'))
    expect(refused).toEqual([
      expect.objectContaining({
        level: 'refuse',
        problem: expect.stringContaining('table billing.invoices (no SELECT, owner billing)') as string,
        hint: 'permit it as the owner or a superuser: GRANT SELECT ON TABLE billing.invoices TO app',
      }),
    ])
    expect(world.faults.reached).not.toContain('services.stop')
  })
})

describe('what is refused', () => {
  const { database } = shop
  if (database === undefined) throw new Error('the shop has a database')
  const look = (...unreadable: readonly Unreadable[]) => handsOn(having(damagedShop(), ...unreadable)).look
  const levels = async (by: 'fingerprint' | 'dump', of: Unreadable, rows = false) =>
    (await unreadableFindings(look(of), rows ? { ...database, fingerprint: 'rows' } : database, by)).map(
      ({ level }) => level,
    )

  it.each([
    ['table', true, true, true],
    ['sequence', true, false, true],
    ['large object', true, false, true],
    ['partitioned table', false, false, true],
  ] as const)('%s: only what the step reads', async (what, digest, rows, dump) => {
    const refused = (yes: boolean): readonly string[] => (yes ? ['refuse'] : [])
    expect(await levels('fingerprint', of(what, 'x'))).toEqual(refused(digest))
    expect(await levels('fingerprint', of(what, 'x'), true)).toEqual(refused(rows))
    expect(await levels('dump', of(what, 'x'))).toEqual(refused(dump))
  })

  it('names ten, and how many more', async () => {
    const many = Array.from({ length: 12 }, (_, index) => of('table', `t${index}`))
    const [finding] = await unreadableFindings(look(...many), database, 'dump')
    expect(finding?.problem).toMatch(/table t9 \([^)]+\) and 2 more$/)
    expect(finding?.hint).toMatch(/ON TABLE t9 TO app and 2 more$/)
  })

  it('is unknown where the server does not say', async () => {
    const world = damagedShop()
    world.faults.order('databases.unreadable', 'fail')
    expect(await unreadableFindings(handsOn(world).look, database, 'dump')).toEqual([
      expect.objectContaining({ level: 'warn', problem: expect.stringContaining('is unknown') as string }),
    ])
  })
})
