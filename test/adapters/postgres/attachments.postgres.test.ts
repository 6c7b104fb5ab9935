import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { requirement, serverFixture, type ServerFixture } from '../../fixtures/postgres-server.ts'
import { watchedScope } from '../../fixtures/scope.ts'

describe.skipIf(!requirement())('what belongs to a live database on the server', () => {
  let fixture: ServerFixture
  let world: Awaited<ReturnType<ServerFixture['world']>>

  beforeAll(async () => {
    fixture = await serverFixture(['wal_level=logical', 'max_prepared_transactions=5'])
    world = await fixture.world()
  })
  afterAll(async () => {
    await world.close()
    await fixture.stop()
  })

  test('is listed, and what belongs to another database is not', async () => {
    await world.sql("SELECT pg_create_logical_replication_slot('elsewhere', 'pgoutput')", 'postgres')
    await world.sql("SELECT pg_create_logical_replication_slot('cdc', 'pgoutput')")
    await world.sql(
      "CREATE SUBSCRIPTION feed CONNECTION 'host=127.0.0.1 port=1 dbname=nope' PUBLICATION x WITH (connect = false, slot_name = NONE, enabled = false)",
    )
    await world.sql('CREATE TABLE t (x int)')
    await world.sql("BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'half done'")
    const attachments = () => world.databases(watchedScope()).attachments(world.database)
    expect(await attachments()).toEqual([
      { what: 'prepared transaction', name: 'half done', active: true },
      { what: 'replication slot', name: 'cdc', active: false },
      { what: 'subscription', name: 'feed', active: false },
    ])
    await world.sql("ROLLBACK PREPARED 'half done'")
    await world.sql('DROP SUBSCRIPTION feed')
    for (const slot of ['cdc', 'elsewhere'])
      await world.sql(`SELECT pg_drop_replication_slot('${slot}')`, slot === 'cdc' ? 'shop' : 'postgres')
    expect(await attachments()).toEqual([])
  })
})
