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
      CREATE MATERIALIZED VIEW seen AS SELECT * FROM receipts;
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
