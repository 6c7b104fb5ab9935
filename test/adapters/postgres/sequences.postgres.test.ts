import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { requirement, serverFixture, type ServerFixture } from '../../fixtures/postgres-server.ts'
import { watchedScope } from '../../fixtures/scope.ts'

describe.skipIf(!requirement())('rows that sequences numbered', () => {
  let fixture: ServerFixture
  let world: Awaited<ReturnType<ServerFixture['world']>>

  beforeAll(async () => {
    fixture = await serverFixture()
    world = await fixture.world()
  })
  afterAll(async () => {
    await world.close()
    await fixture.stop()
  })

  /** Removes what was numbered last, as an older database lacks it, and inserts the rows again. */
  async function putBack(table: string, sequence: string, last: number): Promise<void> {
    const databases = world.databases(watchedScope())
    const rows = await databases.rows(world.database, world.database.name, [
      { table, column: 'word', value: 'lost' },
    ])
    await world.sql(`DELETE FROM ${table} WHERE word = 'lost'; SELECT setval('${sequence}', ${last})`)
    await databases.insertRows(world.database, rows)
  }

  test.each([
    ['a', 'serial', 'id serial PRIMARY KEY', 'a_id_seq', 2, 5],
    ['b', 'an identity', 'id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY', 'b_id_seq', 2, 5],
    ['c', 'a default', "id int PRIMARY KEY DEFAULT nextval('apart')", 'apart', 2, 5],
    [
      'd',
      'descending',
      'id int GENERATED ALWAYS AS IDENTITY (INCREMENT -3) PRIMARY KEY',
      'd_id_seq',
      -4,
      -13,
    ],
  ])('do not make the next row fail: %s, %s', async (table, _, column, sequence, last, next) => {
    await world.sql('CREATE SEQUENCE IF NOT EXISTS apart')
    await world.sql(
      `CREATE TABLE ${table} (${column}, word text);
       INSERT INTO ${table} (word) VALUES ('kept'), ('kept'), ('lost'), ('lost')`,
    )
    await putBack(table, sequence, last)
    const after = await world.sql(`INSERT INTO ${table} (word) VALUES ('new') RETURNING id`)
    expect(after.map(({ id }) => Number(id))).toEqual([next])
  })

  test('leave a sequence as it is where it is further, or never gave the number', async () => {
    await world.sql(
      `CREATE TABLE e (id serial PRIMARY KEY, word text); INSERT INTO e (word) VALUES ('kept'), ('lost');
       INSERT INTO e VALUES (2147483647, 'lost')`,
    )
    await putBack('e', 'e_id_seq', 7)
    expect(await world.sql('SELECT last_value::int FROM e_id_seq')).toEqual([{ last_value: 7 }])
    await world.sql("SELECT setval('e_id_seq', 2)")
    await putBack('e', 'e_id_seq', 1)
    expect(await world.sql('SELECT last_value::int FROM e_id_seq')).toEqual([{ last_value: 2 }])
  })
})
