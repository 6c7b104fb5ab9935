import { describe, expect, it } from 'vitest'
import rollback from '../../runbooks/full-db-rollback.ts'
import type { Contents, Dump } from '../../src/drivers/databases.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import { recordOf } from '../../src/run/record/record.ts'
import { fakeMachine, Killed, type FakeTables, type FakeWorld } from '../../src/testing/index.ts'
import { reportOf } from '../../src/views/report.ts'
import { ageOf } from '../../steps/databases/lib/age.ts'
import { absentFrom, acceptFlag, accepts, fewerIn, listed } from '../../steps/databases/lib/losses.ts'
import { otherObjects } from '../../steps/databases/lib/other-objects.ts'
import { damagedShop, goodOrders, layDump, shop } from './fake-shop.ts'

const invoices = Array.from({ length: 1_000 }, (_, index) => ({ x: index + 1 }))

/** The live database has tables that the dump lacks, or has without rows. */
function withLive(tables: FakeTables): FakeWorld {
  const world = damagedShop()
  const live = world.server.databases.get('shop')
  if (live !== undefined) live.tables = { ...live.tables, ...tables }
  return world
}
const withInvoices = (rows: FakeTables[string] = invoices): FakeWorld =>
  withLive({ 'billing.invoices': rows })

const machineOf = (world: FakeWorld) => fakeMachine(world, { book: rollback, target: shop })
const untouched = (world: FakeWorld): void => {
  expect(world.faults.reached).not.toContain('services.stop')
  expect(world.faults.reached).not.toContain('databases.restoreBeside')
}
const shownBy = (machine: ReturnType<typeof machineOf>): readonly JsonObject[] =>
  machine.entries.flatMap(({ entry }) =>
    entry.type === 'intent' && entry.step === 'ask-the-operator'
      ? [entry.input['showing'] as JsonObject]
      : [],
  )

describe('a table that is live and not in the dump', () => {
  it('is named and refused before anything is touched', async () => {
    const world = withInvoices()
    expect((await machineOf(world).run({})).failure).toMatchObject({
      code: 'preflight',
      message: expect.stringContaining('would lose it: billing.invoices (1000 rows)') as string,
      hint: expect.stringContaining('--accept-loss billing.invoices') as string,
    })
    untouched(world)
  })

  it('is a blocker of the dry run', async () => {
    const result = await machineOf(withInvoices()).dryRun({})
    expect(result).toMatchObject({ code: 'preflight' })
    expect(result.findings).toContainEqual({
      level: 'refuse',
      about: 'Compare the dump with the live database',
      problem: expect.stringContaining('would lose it: billing.invoices (1000 rows)') as string,
      hint: expect.stringContaining('--accept-loss billing.invoices') as string,
    })
  })

  it('is lost where that is accepted, and the approval and the evidence say so', async () => {
    const world = withInvoices()
    const machine = machineOf(world)
    expect(await machine.run({ acceptLoss: 'billing.invoices' })).toMatchObject({ code: 'succeeded' })
    expect(world.server.databases.get('shop')?.tables).toEqual({ orders: goodOrders })
    expect(shownBy(machine)).toMatchObject([
      { 'would be lost': expect.stringContaining('not in the dump: billing.invoices (1000 rows)') as string },
    ])
    const record = recordOf(machine.entries)
    expect(JSON.stringify(record)).toContain('billing.invoices is gone, with 1000 rows')
    expect(reportOf(record)).toContain('| `billing.invoices` | 1000 | **not there** | -1000 |')
  })

  it('is refused where the loss of another one is accepted; the hint has both', async () => {
    const world = withInvoices()
    const { failure } = await machineOf(world).run({ acceptLoss: 'audit.log' })
    expect(failure?.hint).toContain('--accept-loss audit.log,billing.invoices')
    untouched(world)
  })

  it('loses no rows where it is empty, and is named', async () => {
    const machine = machineOf(withInvoices([]))
    expect(await machine.run({})).toMatchObject({ code: 'succeeded' })
    expect(shownBy(machine)).toMatchObject([
      { 'other objects that the dump lacks': 'empty tables billing.invoices' },
    ])
  })
})

describe('a table that was dumped while it was empty', () => {
  const queue = { jobs: [{ id: 1 }, { id: 2 }] }
  function withQueue(): FakeWorld {
    const world = withLive(queue)
    layDump(world, 'shop-20260203_043000.dump', { tables: { orders: goodOrders, jobs: [] } })
    return world
  }

  it('counts as a loss that is shown with its rows, and refuses nothing', async () => {
    const world = withQueue()
    const machine = machineOf(world)
    expect(await machine.run({})).toMatchObject({ code: 'succeeded' })
    expect(shownBy(machine)).toMatchObject([
      {
        'would be lost': expect.stringContaining(
          'fewer in the dump: jobs (2 rows, none in the dump)',
        ) as string,
      },
    ])
    expect(reportOf(recordOf(machine.entries))).toContain('| `jobs` | 2 | 0 | -2 |')
  })

  it('is shown by the dry run', async () => {
    const machine = machineOf(withQueue())
    expect(await machine.dryRun({})).toMatchObject({ code: 'succeeded' })
    expect(JSON.stringify(machine.entries)).toContain('jobs (2 rows, none in the dump)')
  })
})

describe('a live database that cannot be read', () => {
  it('is no reason to refuse its restore; what is lost is unknown', async () => {
    const world = withInvoices()
    world.faults.order('databases.contents', 'fail')
    const machine = machineOf(world)
    expect(await machine.run({})).toMatchObject({ code: 'succeeded' })
    expect(shownBy(machine)).toMatchObject([
      {
        live: 'unknown: the live database cannot be read',
        'would be lost': expect.stringContaining('unknown') as string,
      },
    ])
  })
})

describe('a live database that cannot be read, in place', () => {
  it.each(['run', 'dryRun'] as const)('is a refusal before writers stop, with the cure: %s', async (how) => {
    const world = withInvoices()
    world.faults.order('databases.contents', 'fail')
    const result = await machineOf(world)[how]({ strategy: 'in-place' })
    expect(result.code).not.toBe('succeeded')
    expect(JSON.stringify(result)).toContain('--strategy beside')
    expect(world.faults.reached).not.toContain('services.stop')
  })
})

describe('what the operator approves', () => {
  it('has the age of the dump, how it was chosen, and what is live', async () => {
    const machine = machineOf(damagedShop())
    await machine.run({ badSince: '2026-02-03T04:30:00Z' })
    expect(shownBy(machine)).toMatchObject([
      {
        age: expect.stringMatching(/^1h.* \(RPO objective 1d: met\)$/) as string,
        chosen: 'the newest, taken before 2026-02-03T04:30:00Z (--bad-since)',
        live: '1 tables, 1 rows',
        'would be lost': 'no table that the dump lacks; other rows are compared once they are restored',
        'other objects that the dump lacks': 'none',
        'attached to the live database': 'nothing',
      },
    ])
  })
})

describe('a run that was killed while it asked', () => {
  async function killedWhileAsking(world: FakeWorld): Promise<ReturnType<typeof machineOf>> {
    const machine = machineOf(world)
    world.faults.order('people.ask', 'kill')
    await expect(machine.run({})).rejects.toThrow(Killed)
    return machine
  }
  const write = (world: FakeWorld, tables: FakeTables): void => {
    const live = world.server.databases.get('shop')
    if (live !== undefined) live.tables = { ...live.tables, ...tables }
  }

  it('shows what is live now when it is resumed, and what is lost now', async () => {
    const world = damagedShop()
    const machine = await killedWhileAsking(world)
    write(world, { orders: [...goodOrders, { id: 900 }] })
    expect(await machine.resume()).toMatchObject({ outcome: 'succeeded' })
    expect(shownBy(machine).map(({ live }) => live)).toEqual(['1 tables, 1 rows', '1 tables, 3 rows'])
  })

  it('is refused when it is resumed after rows were written that the dump lacks', async () => {
    const world = damagedShop()
    const machine = await killedWhileAsking(world)
    write(world, { 'billing.invoices': invoices })
    const { failure, outcome } = await machine.resume()
    expect(outcome).toBe('rolled-back')
    expect(failure?.message).toContain('would lose it: billing.invoices (1000 rows)')
    untouched(world)
  })
})

describe('what is lost', () => {
  const table = (name: string, rows: number, estimated = false) => ({ table: name, rows, estimated })
  const live: Contents = {
    tables: [
      table('a.big', 5, true),
      table('a.empty', 0),
      table('a.fewer', 7),
      table('a.left', 9),
      table('a.queue', 1),
      table('a.there', 3),
    ],
    schemas: [],
    sequences: [],
    extensions: [],
    largeObjects: 2,
    objects: [],
  }
  const dump = (largeObjects: boolean): Dump =>
    ({
      engine: 'postgres',
      tables: ['a.fewer', 'a.there'],
      contents: {
        withoutData: ['a.left'],
        rows: [
          { table: 'a.queue', rows: 0 },
          { table: 'a.fewer', rows: 6 },
          { table: 'a.there', rows: 3 },
        ],
        schemas: [],
        sequences: [],
        extensions: [],
        largeObjects,
      },
    }) as never

  it('are tables with rows that the dump does not have, and large objects', () => {
    expect(listed(absentFrom(live, dump(true), 'beside'))).toBe('a.big (about 5 rows), a.left (9 rows)')
    expect(listed(absentFrom(live, dump(false), 'beside'))).toBe(
      'a.big (about 5 rows), a.left (9 rows), 2 large objects',
    )
  })

  it('are tables whose data was left out, where a restore in place of Postgres keeps all others', () => {
    expect(listed(absentFrom(live, dump(false), 'in-place'))).toBe('a.left (9 rows)')
    const sqlite = { ...dump(false), engine: 'sqlite' } as Dump
    expect(listed(absentFrom(live, sqlite, 'in-place'))).toContain('a.big')
  })

  it('are rows that it is known not to have', () => {
    expect(listed(fewerIn(live, dump(true)))).toBe(
      'a.fewer (7 rows, 6 in the dump), a.queue (1 row, none in the dump)',
    )
  })

  it.each([
    [' a.big, large objects,', 'large objects', true],
    ['a.big', 'a.bigger', false],
    ['orders', 'public.orders', true],
    ['orders', 'billing.orders', false],
    ['public.a,b', 'public.a,b', true],
    [null, 'a.big', false],
  ])('%j accepts %s: %s', (accepted, name, verdict) => {
    expect(accepts(accepted, { table: name })).toBe(verdict)
  })

  describe('besides tables', () => {
    const of = (title: string, partOf: readonly string[] = []) => ({ title, partOf })
    const objects = [
      of('table: a.big'),
      of('index: a.big_x', ['table: a.big']),
      of('table: a.parted'),
      of('view: a.sales'),
      of('privileges: sales in a', ['view: a.sales']),
      of('privileges: there in a', ['table: a.there']),
      of('table: a.there'),
    ]
    const had = (...titles: readonly string[]): Dump => {
      const { contents, ...rest } = dump(true)
      return { ...rest, contents: { ...contents, objects: titles } } as Dump
    }

    it('are named by kind, without parts of what is lacking anyway', () => {
      expect(otherObjects({ ...live, objects }, had('table: a.there'), 'beside')).toBe(
        'empty tables a.empty; table: a.parted; view: a.sales; privileges: there in a',
      )
    })

    it('are not all named where they are many', () => {
      const many = Array.from({ length: 15 }, (_, at) => of(`function: a.f${at + 10}()`))
      expect(otherObjects({ ...live, objects: many }, had(), 'beside')).toMatch(
        /function: a\.f10\(\), .*, a\.f21\(\) and 3 more$/,
      )
    })

    it('are unknown where they could not be listed, or an older version read the dump', () => {
      expect(otherObjects({ ...live, objects: 'no rights' }, had(), 'beside')).toContain(
        'are unknown: no rights',
      )
      expect(otherObjects({ ...live, objects }, dump(true), 'beside')).toContain('are not known of this dump')
    })
  })

  it('has a flag that can be pasted', () => {
    expect(acceptFlag('a.b', [table("it's", 1)])).toBe(String.raw`--accept-loss 'a.b,it'\''s'`)
  })
})

describe('a copy that fails verification', () => {
  it('names the next older dumps, and the complete command', async () => {
    const world = damagedShop()
    for (const [name, tables] of [
      ['shop-20260203_043000.dump', { orders: goodOrders, other: [{ id: 1 }] }],
      ['shop-20260201_043000.dump', { orders: goodOrders }],
    ] as const)
      layDump(world, name, { tables })
    const failing = layDump(world, 'shop-20260203_050000.dump', {
      tables: { orders: [], other: [{ id: 1 }] },
    })
    const { failure } = await machineOf(world).run({ strategy: 'beside', acceptLoss: 'orders' })
    expect(failure).toMatchObject({ code: 'verification' })
    expect(failure?.message).toContain('assertion "there are orders" failed')
    expect(failing).toContain('050000')
    expect(failure?.hint).toContain(
      'take the next older one, taken 2026-02-03T04:30:00.000Z, not read yet: `runbook run full-db-rollback --target',
    )
    expect(failure?.hint).toMatch(
      /--strategy beside --accept-loss orders --dump \S+\/shop-20260203_043000\.dump`/,
    )
    expect(failure?.hint).toMatch(
      /; older ones: .*shop-20260201_043000\.dump \(taken 2026-02-01T04:30:00\.000Z\)/,
    )
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
