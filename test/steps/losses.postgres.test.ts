import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Databases } from '../../src/drivers/databases.ts'
import type { Json, JsonObject } from '../../src/kernel/json.ts'
import { acts } from '../../src/model/step.ts'
import { compareContents } from '../../steps/index.ts'
import { requirement, serverFixture, type ServerFixture } from '../fixtures/postgres-server.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { damagedShop } from './fake-shop.ts'
import { handsOn, opened } from './hands.ts'

describe.skipIf(!requirement())('a dump that was made with options of pg_dump', () => {
  let fixture: ServerFixture
  let world: Awaited<ReturnType<ServerFixture['world']>>
  let databases: Databases
  let folder = ''

  beforeAll(async () => {
    fixture = await serverFixture()
    folder = await mkdtemp(join(tmpdir(), 'losses-'))
    world = await fixture.world()
    databases = world.databases(watchedScope())
    await world.sql(`
      CREATE SCHEMA billing; CREATE TABLE billing.invoices (x int); INSERT INTO billing.invoices SELECT generate_series(1, 1000);
      CREATE TABLE billing."with.dot" (x serial); CREATE TABLE receipts (x int); INSERT INTO receipts VALUES (1), (2); CREATE TABLE queue (x int);
      CREATE TABLE part (x int) PARTITION BY RANGE (x); CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (9); INSERT INTO part VALUES (1);
      CREATE UNLOGGED TABLE scratch (x int); INSERT INTO scratch VALUES (1);
      CREATE MATERIALIZED VIEW seen AS SELECT * FROM receipts; COMMENT ON TABLE receipts IS 'paid';
      GRANT SELECT ON receipts TO shop_reader; CREATE PUBLICATION feed FOR TABLE receipts;
      SELECT lo_from_bytea(0, 'one'), lo_from_bytea(0, 'two')`)
  })
  afterAll(async () => {
    await world.close()
    await fixture.stop()
    await rm(folder, { recursive: true })
  })

  async function compared(
    options: readonly string[],
    acceptLoss: string | null = null,
    strategy: 'beside' | 'in-place' = 'beside',
    sinceThen = '',
  ): Promise<Json> {
    const file = join(folder, `${options.join('').replaceAll(/\W/g, '')}.dump`)
    await execa(join(fixture.cluster.bin, 'pg_dump'), [
      '--format=custom',
      `--file=${file}`,
      ...options,
      fixture.urlOf('shop'),
    ])
    if (sinceThen !== '') await world.sql(sinceThen)
    const archive = await databases.inspect(world.database, file)
    const call = compareContents({
      database: world.database,
      archive,
      strategy,
      acceptLoss,
      file,
      takenBefore: null,
      rpoSeconds: null,
    })
    const { step, input } = opened(call)
    if (acts(step)) throw new Error('it acts')
    const hands = handsOn(damagedShop())
    return (await step.run({ ...hands.io, databases }, input)) as Json
  }

  test('and is complete loses nothing', async () => {
    expect(await compared([])).toMatchObject({
      lost: [],
      losses: 'no table that the dump lacks; other rows are compared once they are restored',
      objects: 'none',
    })
  })

  test.each<[readonly string[], string]>([
    [['--exclude-schema=billing'], 'billing.invoices (1000 rows)'],
    [['--exclude-table-data=billing.*'], 'billing.invoices (1000 rows)'],
    [['--exclude-table=receipts'], 'receipts (2 rows)'],
    [['--no-unlogged-table-data'], 'scratch (1 row)'],
    [['--no-blobs'], '2 large objects'],
    [['--exclude-table=part_1'], 'part_1 (1 row)'],
    [['--schema=billing'], 'receipts (2 rows)'],
  ])('%s is refused, and names what it lacks', async (options, lost) => {
    await expect(compared(options)).rejects.toThrow(lost)
  })

  test('is accepted where the loss is', async () => {
    expect(await compared(['--exclude-schema=billing'], 'billing.invoices')).toMatchObject({
      lost: [{ table: 'billing.invoices', rows: 1000, estimated: false }],
      objects: expect.stringContaining('schemas billing; sequences billing."with.dot_x_seq"') as string,
    })
  })

  test('loses in place only what was left out of a table that it creates', async () => {
    expect(await compared(['--exclude-schema=billing'], null, 'in-place')).toMatchObject({
      lost: [],
      objects: expect.stringMatching(/tables billing\.invoices; .* \(they stay as they are\)$/) as string,
    })
    await expect(compared(['--exclude-table-data=billing.*'], null, 'in-place')).rejects.toThrow('1000 rows')
  })

  test.each<[readonly string[], string]>([
    [['--exclude-table=seen'], 'materialized view: public.seen'],
    [['--no-privileges'], 'privileges: receipts in public'],
    [['--no-comments'], 'comment: TABLE receipts in public'],
    [['--no-publications'], 'publication: feed'],
  ])('%s loses more than tables', async (options, objects) => {
    expect(await compared(options)).toMatchObject({ lost: [], objects })
  })

  test.each([
    ['CREATE VIEW sales AS SELECT 1 AS x', 'view: public.sales', 'DROP VIEW sales'],
    [
      'CREATE FUNCTION f(int, text) RETURNS int RETURN 1',
      'function: public.f(integer, text)',
      'DROP FUNCTION f',
    ],
    ["CREATE TYPE mood AS ENUM ('a')", 'type: public.mood', 'DROP TYPE mood'],
    ['CREATE DOMAIN age AS int', 'domain: public.age', 'DROP DOMAIN age'],
    ['CREATE INDEX fast ON receipts (x)', 'index: public.fast', 'DROP INDEX fast'],
    [
      'CREATE RULE quiet AS ON DELETE TO queue DO INSTEAD NOTHING',
      'rule: public.queue quiet',
      'DROP RULE quiet ON queue',
    ],
    [
      'ALTER TABLE queue ADD CONSTRAINT low CHECK (x < 9) NOT VALID',
      'check constraint: public.queue low',
      'ALTER TABLE queue DROP CONSTRAINT low',
    ],
    [
      'CREATE POLICY mine ON receipts USING (true)',
      'policy: public.receipts mine',
      'DROP POLICY mine ON receipts',
    ],
    [
      'ALTER TABLE receipts ENABLE ROW LEVEL SECURITY',
      'row security: public.receipts',
      'ALTER TABLE receipts DISABLE ROW LEVEL SECURITY',
    ],
    ['CREATE STATISTICS pair ON (x + 1) FROM receipts', 'statistics: public.pair', 'DROP STATISTICS pair'],
    [
      'ALTER DEFAULT PRIVILEGES IN SCHEMA billing GRANT SELECT ON TABLES TO shop_reader',
      'default privileges: DEFAULT PRIVILEGES FOR TABLES in billing',
      'ALTER DEFAULT PRIVILEGES IN SCHEMA billing REVOKE SELECT ON TABLES FROM shop_reader',
    ],
    [
      "CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION e()",
      'function: public.e(); event trigger: watch',
      'DROP EVENT TRIGGER watch; DROP FUNCTION e',
    ],
    [
      'CREATE FOREIGN DATA WRAPPER w; CREATE SERVER far FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE away (x int) SERVER far',
      'foreign data wrapper: w; server: far; foreign table: public.away',
      'DROP FOREIGN DATA WRAPPER w CASCADE',
    ],
    [
      'CREATE TABLE parted (x int) PARTITION BY RANGE (x); CREATE INDEX deep ON parted (x)',
      'table: public.parted',
      'DROP TABLE parted',
    ],
    ['CREATE CAST (text AS xid8) WITH INOUT', 'cast: CAST (text AS xid8)', 'DROP CAST (text AS xid8)'],
    [
      "CREATE COLLATION german (provider = icu, locale = 'de')",
      'collation: public.german',
      'DROP COLLATION german',
    ],
  ])('%s, since then, is lost', async (sql, objects, away) => {
    expect(await compared([], null, 'beside', sql)).toMatchObject({ lost: [], objects })
    await world.sql(away)
  })

  test.each<[readonly string[]]>([[[]], [['--compress=0']], [['--compress=9']], [['--inserts']]])(
    'is shown with the rows of a table that was empty then, made with %j',
    async (options) => {
      const { fewer } = (await compared(
        [...options],
        null,
        'beside',
        'INSERT INTO queue VALUES (1), (2), (3)',
      )) as JsonObject
      expect(fewer).toEqual([{ table: 'public.queue', rows: 3, estimated: false, inDump: 0 }])
      await world.sql('TRUNCATE queue')
    },
  )
})
