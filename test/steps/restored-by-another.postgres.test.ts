import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Databases, ExactDump } from '../../src/drivers/databases.ts'
import { mustBeLive, presentOf, requireLiveAsShown } from '../../steps/databases/lib/ours.ts'
import { requirement, serverFixture, type ServerFixture } from '../fixtures/postgres-server.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { damagedShop } from './fake-shop.ts'
import { handsOn } from './hands.ts'

describe.skipIf(!requirement())('a Postgres database into which somebody else restores in place', () => {
  let fixture: ServerFixture
  let world: Awaited<ReturnType<ServerFixture['world']>>
  let databases: Databases
  let dump: ExactDump

  beforeAll(async () => {
    fixture = await serverFixture()
  })
  afterAll(() => fixture?.stop())
  beforeEach(async () => {
    world = await fixture.world()
    databases = world.databases(watchedScope())
    dump = await databases.dump(world.database, 'shop', world.place('shop.dump'))
  })
  afterEach(() => world.close())

  const seen = async () => {
    const { database } = world
    const look = { ...handsOn(damagedShop()).look, databases }
    const present = await presentOf(look, database)
    return {
      shown: () => requireLiveAsShown(look, database, present),
      guard: () => mustBeLive(database, present).check(look, 'back'),
    }
  }

  test('is told apart, although it is the same database', async () => {
    const { shown, guard } = await seen()
    const { instance } = await databases.identity(world.database)
    await databases.restoreInPlace(world.database, dump)
    expect((await databases.identity(world.database)).instance).toBe(instance)
    await expect(shown()).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('since it was compared, somebody else replaced it') as string,
    })
    await expect(guard()).rejects.toMatchObject({
      code: 'in-doubt',
      message: expect.stringContaining('somebody else restored into it') as string,
    })
  })

  test('is the same after everything that an application and its upkeep do to tables', async () => {
    const { shown, guard } = await seen()
    for (const sql of [
      "INSERT INTO orders SELECT max(id) + 1, 'sold' FROM orders",
      'UPDATE orders SET note = NULL',
      'VACUUM FULL orders',
      'ALTER TABLE orders ADD COLUMN more text DEFAULT clock_timestamp()::text',
      'ALTER TABLE orders ALTER COLUMN more TYPE varchar(80)',
      'ANALYZE',
      'TRUNCATE orders CASCADE',
      'CREATE TABLE created (id int)',
      'ALTER TABLE orders RENAME TO renamed',
    ])
      await world.sql(sql)
    await expect(shown()).resolves.toBeUndefined()
    await expect(guard()).resolves.toBeUndefined()
  })
})
