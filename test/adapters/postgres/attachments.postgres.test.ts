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

/** What becomes of each catalogue that names a database when the live one is exchanged. */
const becomes: {
  readonly [relation: string]: 'listed' | 'transferred' | 'of sessions' | 'by name' | 'statistics' | 'dropped'
} = {
  pg_prepared_xacts: 'listed',
  pg_replication_slots: 'listed',
  pg_shseclabel: 'listed',
  pg_subscription: 'listed',
  pg_stat_activity: 'listed',
  pg_database: 'transferred',
  pg_db_role_setting: 'transferred',
  pg_shdescription: 'transferred',
  // Kept by the server itself, with the database that it belongs to.
  pg_shdepend: 'dropped',
  pg_locks: 'of sessions',
  pg_hba_file_rules: 'by name',
  pg_stat_database: 'statistics',
  pg_stat_database_conflicts: 'statistics',
  pg_stat_progress_analyze: 'of sessions',
  pg_stat_progress_basebackup: 'of sessions',
  pg_stat_progress_cluster: 'of sessions',
  pg_stat_progress_copy: 'of sessions',
  pg_stat_progress_create_index: 'of sessions',
  pg_stat_progress_vacuum: 'of sessions',
}
/** Shared by all databases of a server, and not of any of them. */
const ofTheServer = [
  'pg_auth_members',
  'pg_authid',
  'pg_parameter_acl',
  'pg_replication_origin',
  'pg_tablespace',
]

describe.skipIf(!requirement())('the catalogues of this server', () => {
  test('name a database in no place whose fate is not known', async () => {
    const fixture = await serverFixture()
    const world = await fixture.world()
    try {
      const rows = await world.databases(watchedScope()).query(
        world.database,
        'shop',
        `SELECT DISTINCT c.relname AS name FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
         WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind IN ('r', 'v')
           AND (c.relisshared OR a.attname ~ '^(sub|set)?(database|datid|datname|dbid|dboid)$') ORDER BY 1`,
      )
      const found = rows.map(({ name }) => String(name))
      expect(found).toContain('pg_replication_slots')
      expect(found.filter((name) => becomes[name] === undefined && !ofTheServer.includes(name))).toEqual([])
    } finally {
      await world.close()
      await fixture.stop()
    }
  })
})
