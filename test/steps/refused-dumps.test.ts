import { expect, it } from 'vitest'
import book from '../../runbooks/full-db-rollback.ts'
import { sha256 } from '../../src/kernel/json.ts'
import { dumpBytes, fakeMachine, lay, type FakeWorld } from '../../src/testing/index.ts'
import { damagedShop, goodOrders, layDump, shop } from './fake-shop.ts'

const older = '/backups/db/shop-20260203_040000.dump'
const newest = '/backups/db/shop-20260203_043000.dump'
const made = {
  engine: 'postgres',
  major: 17,
  database: 'shop',
  takenAt: null,
  tables: { orders: goodOrders },
  roles: [],
  extensions: [],
} as const

function withChecksum(world: FakeWorld, body: Uint8Array | string): void {
  lay(world.disk, newest, body)
  lay(world.disk, `${newest}.sha256`, `${sha256(body)}  shop-20260203_043000.dump\n`)
}

/** Each with what is wrong with the newest dump. */
const refused: readonly (readonly [string, (world: FakeWorld) => void])[] = [
  ['is empty', (world) => withChecksum(world, '')],
  ['is too small', (world) => withChecksum(world, 'small')],
  ['has no checksum', (world) => lay(world.disk, newest, dumpBytes(made))],
  [
    'does not fit its checksum',
    (world) => {
      withChecksum(world, dumpBytes(made))
      lay(world.disk, newest, dumpBytes({ ...made, roles: ['another'] }))
    },
  ],
  ['is cut off', (world) => withChecksum(world, dumpBytes(made).subarray(0, 120))],
  ['is no dump', (world) => withChecksum(world, 'pg_dump: error: connection failed')],
  ['is of another database', (world) => withChecksum(world, dumpBytes({ ...made, database: 'other' }))],
  ['is of another version', (world) => withChecksum(world, dumpBytes({ ...made, major: 18 }))],
  ['needs an extension', (world) => withChecksum(world, dumpBytes({ ...made, extensions: ['postgis'] }))],
  [
    'lacks a table that has rows',
    (world) => {
      layDump(world, 'shop-20260203_043000.dump')
      world.server.databases.set('shop', {
        ...world.server.databases.get('shop')!,
        tables: { orders: goodOrders, invoices: [{ id: 1 }] },
      })
    },
  ],
]

it.each(refused)(
  'a dump that %s: the next older one is named, with the complete command',
  async (_, spoil) => {
    const world = damagedShop()
    spoil(world)
    const machine = fakeMachine(world, { book, target: shop })
    for (const result of [await machine.dryRun(), await machine.run()]) {
      expect(result.code).not.toBe('succeeded')
      expect(JSON.stringify([result.findings, result.failure])).toContain(
        `take the next older one, taken 2026-02-03T04:00:00.000Z, not read yet: \`runbook run full-db-rollback --target shop --strategy beside --dump ${older}\``,
      )
    }
  },
)

it('a dump that is too old: the command that takes it all the same', async () => {
  const world = damagedShop()
  await world.clock.sleep(2 * 86_400_000)
  const { findings } = await fakeMachine(world, { book, target: shop }).run()
  expect(findings.filter(({ level }) => level === 'refuse')).toMatchObject([
    {
      level: 'refuse',
      hint: expect.stringContaining(
        `or name this one with --dump: \`runbook run full-db-rollback --target shop --strategy beside --dump ${older}\``,
      ),
    },
  ])
})

it('a server that does not answer is no reason to take another dump', async () => {
  const world = damagedShop()
  world.server.reachable = false
  const result = await fakeMachine(world, { book, target: shop }).run()
  expect(JSON.stringify(result)).not.toContain('next older one')
})
