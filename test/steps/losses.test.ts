import { describe, expect, it } from 'vitest'
import rollback from '../../runbooks/full-db-rollback.ts'
import type { Contents, Dump } from '../../src/drivers/databases.ts'
import { recordOf } from '../../src/run/record/record.ts'
import { fakeMachine, type FakeWorld } from '../../src/testing/index.ts'
import { absentFrom, acceptedIn, listed } from '../../steps/databases/lib/absent.ts'
import { ageOf } from '../../steps/databases/lib/age.ts'
import { damagedShop, goodOrders, shop } from './fake-shop.ts'

const invoices = Array.from({ length: 1_000 }, (_, index) => ({ x: index + 1 }))

/** The live database has a table that the dump lacks. */
function withInvoices(rows = invoices): FakeWorld {
  const world = damagedShop()
  const live = world.server.databases.get('shop')
  if (live !== undefined) live.tables = { ...live.tables, 'billing.invoices': rows }
  return world
}

const machineOf = (world: FakeWorld) => fakeMachine(world, { book: rollback, target: shop })
const untouched = (world: FakeWorld): void => {
  expect(world.faults.reached).not.toContain('services.stop')
  expect(world.faults.reached).not.toContain('databases.restoreBeside')
}

describe('a table that is live and not in the dump', () => {
  it.each(['run', 'dryRun'] as const)('is named and refused before anything is touched: %s', async (how) => {
    const world = withInvoices()
    const machine = machineOf(world)
    const result = await machine[how]({})
    expect(result.failure).toMatchObject({
      code: 'preflight',
      message: expect.stringContaining('would lose it: billing.invoices (1000 rows)') as string,
      hint: expect.stringContaining("--accept-loss 'billing.invoices'") as string,
    })
    untouched(world)
  })

  it('is lost where that is accepted, and the evidence says so', async () => {
    const world = withInvoices()
    const machine = machineOf(world)
    expect(await machine.run({ acceptLoss: 'billing.invoices' })).toMatchObject({ code: 'succeeded' })
    expect(world.server.databases.get('shop')?.tables).toEqual({ orders: goodOrders })
    const record = JSON.stringify(recordOf(machine.entries))
    expect(record).toContain('billing.invoices (1000 rows)')
    expect(record).toContain('billing.invoices is gone, with 1000 rows')
  })

  it('is refused where the loss of another one is accepted; the hint has both', async () => {
    const world = withInvoices()
    const { failure } = await machineOf(world).run({ acceptLoss: 'audit.log' })
    expect(failure?.hint).toContain("--accept-loss 'audit.log,billing.invoices'")
    untouched(world)
  })

  it('loses nothing where it is empty', async () => {
    expect(await machineOf(withInvoices([])).run({})).toMatchObject({ code: 'succeeded' })
  })
})

describe('a live database that cannot be read', () => {
  it('is no reason to refuse its restore; what is lost is unknown', async () => {
    const world = withInvoices()
    world.faults.order('databases.contents', 'fail')
    const machine = machineOf(world)
    expect(await machine.run({})).toMatchObject({ code: 'succeeded' })
    expect(JSON.stringify(machine.entries)).toContain('unknown: the live database cannot be read')
  })
})

describe('what the operator approves', () => {
  it('has the age of the dump, how it was chosen, and what is live', async () => {
    const world = damagedShop()
    const machine = machineOf(world)
    await machine.run({ badSince: '2026-02-03T04:30:00Z' })
    const asked = machine.entries.flatMap(({ entry }) =>
      entry.type === 'intent' && entry.step === 'ask-the-operator' ? [entry.input] : [],
    )
    expect(asked).toMatchObject([
      {
        showing: {
          age: expect.stringMatching(/^1h.* \(RPO objective 1d: met\)$/) as string,
          chosen: 'the newest, taken before 2026-02-03T04:30:00Z (--bad-since)',
          live: '1 tables, 1 rows',
          'not in the dump': 'no table with rows',
        },
      },
    ])
  })
})

describe('what is absent from a dump', () => {
  const table = (name: string, rows: number, estimated = false) => ({ table: name, rows, estimated })
  const live: Contents = {
    tables: [table('a.big', 5, true), table('a.empty', 0), table('a.there', 3)],
    schemas: [],
    sequences: [],
    extensions: [],
    largeObjects: 2,
  }
  const dump = (largeObjects: boolean): Dump =>
    ({ tables: ['a.there'], contents: { schemas: [], sequences: [], extensions: [], largeObjects } }) as never

  it('are tables with rows, and large objects', () => {
    expect(listed(absentFrom(live, dump(true)))).toBe('a.big (about 5 rows)')
    expect(listed(absentFrom(live, dump(false)))).toBe('a.big (about 5 rows), 2 large objects')
    expect(acceptedIn(' a.big, large objects,')).toEqual(['a.big', 'large objects'])
    expect(acceptedIn(null)).toEqual([])
  })
})

describe('the age of a dump', () => {
  it.each([
    ['2026-02-03T04:00:00Z', 86_400, '2h 6m (RPO objective 1d: met)'],
    ['2026-02-01T06:06:00Z', 86_400, '2d (RPO objective 1d: MISSED)'],
    ['2026-02-03T06:05:59Z', null, '1s (no RPO objective)'],
    ['never', 1, 'unknown'],
  ])('taken %s, objective %s: %s', (at, objective, age) => {
    expect(ageOf(at, new Date('2026-02-03T06:06:00Z'), objective)).toBe(age)
  })
})
