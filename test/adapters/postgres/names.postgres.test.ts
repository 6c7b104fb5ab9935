import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { qualifiedName } from '../../../src/kernel/qualified-name.ts'
import { acts, type Look } from '../../../src/model/step.ts'
import { assertRestored } from '../../../steps/index.ts'
import { requirement, serverFixture, type ServerFixture } from '../../fixtures/postgres-server.ts'
import { watchedScope } from '../../fixtures/scope.ts'

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
const text = (value: string): string => `'${value.replaceAll("'", "''")}'`

const letters = fc.string({
  minLength: 1,
  maxLength: 8,
  unit: fc.constantFrom(...`aB1 ."'\\%$;:-_|,=()é日`, ' TO ', '__'),
})
/** Words of SQL, and what our own queries call their parts. */
const words = ['t', 'q', 'c', 'n', 'o', 'rows', 'table', 'digest', 'select', 'PUBLIC', 'pg_class', 'answer']
const name = fc.oneof(letters, fc.constantFrom(...words))
const apart = (from: typeof name, count: number) =>
  fc.uniqueArray(from, { minLength: count, maxLength: count })
/** Names with this beginning belong to the server. */
const mine = name.filter((one) => !one.startsWith('pg_') && one.toLowerCase() !== 'public')

const contents = fc.record({
  database: letters.map((one) => `shop ${one}`),
  schemas: apart(mine, 2),
  tables: apart(name, 2),
  columns: apart(name, 3),
  roles: apart(
    letters.map((one) => `role ${one}`),
    2,
  ),
  index: mine,
})

describe.skipIf(!requirement())('names in PostgreSQL', () => {
  let fixture: ServerFixture
  let folder: string
  beforeAll(async () => {
    fixture = await serverFixture()
    folder = await mkdtemp(join(tmpdir(), 'rbnames-'))
  })
  afterAll(async () => {
    await fixture?.stop()
    if (folder !== undefined) await rm(folder, { recursive: true })
  })

  const ask = async (database: string, sql: string): Promise<void> => {
    const client = new Client({ host: '127.0.0.1', port: fixture.cluster.port, user: 'postgres', database })
    await client.connect()
    try {
      await client.query(sql)
    } finally {
      await client.end()
    }
  }

  let number = 0
  const theWholeWay = async (names: {
    readonly database: string
    readonly schemas: readonly string[]
    readonly tables: readonly string[]
    readonly columns: readonly string[]
    readonly roles: readonly string[]
    readonly index: string
  }): Promise<void> => {
    const run = (number += 1)
    const live = names.database
    const [staged, aside] = [`${live}__rb_20260203_05000${run}_a`, `${live}__old_20260203_05000${run}_a`]
    const [owner = '', reader = ''] = names.roles.map((role) => `${role} ${run}`)
    const [key = '', value = '', other = ''] = names.columns.map(quoted)
    const schemas = ['public', ...names.schemas]
    const tables = schemas.flatMap((schema) => names.tables.map((table) => [schema, table] as const))
    const databases = fixture.databases(watchedScope())
    const database = fixture.databaseOf({ name: live })
    const print = (of = live) => databases.fingerprint(database, of)

    await ask(
      'postgres',
      `CREATE ROLE ${quoted(owner)}; CREATE ROLE ${quoted(reader)} LOGIN PASSWORD ${text(owner)}`,
    )
    await ask('postgres', `CREATE DATABASE ${quoted(live)} OWNER ${quoted(owner)}`)
    await ask(
      live,
      [
        ...names.schemas.map((schema) => `CREATE SCHEMA ${quoted(schema)} AUTHORIZATION ${quoted(owner)}`),
        ...tables.flatMap(([schema, table]) => {
          const it = `${quoted(schema)}.${quoted(table)}`
          return [
            `CREATE TABLE ${it} (${key} integer PRIMARY KEY, ${value} text, ${other} text)`,
            `ALTER TABLE ${it} OWNER TO ${quoted(owner)}`,
            `GRANT SELECT ON ${it} TO ${quoted(reader)}`,
            `INSERT INTO ${it} VALUES (1, ${text(table)}, 'x'), (2, NULL, 'y')`,
          ]
        }),
        `CREATE INDEX ${quoted(`i ${names.index}`)} ON ${quoted(names.schemas[0] ?? '')}.${quoted(names.tables[0] ?? '')} (${value})`,
      ].join(';\n'),
    )
    const expected = tables.map(([schema, table]) => qualifiedName(schema, table))

    const good = await print()
    expect(good.tables.map(({ table }) => table).toSorted()).toEqual(expected.toSorted())
    const dump = await databases.dump(database, live, join(folder, `${run}.dump`))
    expect(await databases.inspect(database, dump.file)).toEqual(dump)
    expect(dump.tables).toEqual(expected.toSorted())
    expect(await databases.fit(database, dump)).toEqual({
      missingRoles: [],
      missingExtensions: [],
      needsSuperuser: [],
    })

    // Each column counts, whatever it is called.
    for (const [schema, table] of tables)
      await ask(live, `UPDATE ${quoted(schema)}.${quoted(table)} SET ${other} = 'changed'`)
    const bad = await print()
    for (const [index, { table, digest }] of bad.tables.entries())
      expect([table, digest]).not.toEqual([good.tables[index]?.table, good.tables[index]?.digest])

    const copy = await databases.restoreBeside(database, dump, staged)
    const step = assertRestored.step
    if (acts(step)) throw new Error('it acts')
    const look = { databases, note: () => undefined } as unknown as Look
    const assertions = [
      { name: 'a column q', sql: 'SELECT 1 AS q, 2 AS "row"', expect: { equals: 1 as const } },
    ]
    expect(await step.run(look as never, { database, copy, archive: dump, assertions })).toMatchObject({
      tables: good.tables.map(({ table, rows }) => ({ table, rows })),
    })
    expect(await print(staged)).toEqual(good)

    const choices = expected.map((table) => ({ table, column: names.columns[0] ?? '', value: '2' }))
    const rows = await databases.rows(database, staged, choices)
    expect(rows.map(({ table, columns, rows: found }) => [table, columns, found.length])).toEqual(
      expected.map((table) => [table, names.columns, 1]),
    )
    const alone = await databases.readExclusively(database, staged, (copied) =>
      copied.fingerprint(database, staged),
    )
    expect(alone.value).toEqual(good)
    await databases.swap(database, { staged, aside, version: alone.version })
    expect(await print()).toEqual(good)
    await databases.deleteRows(database, rows)
    await databases.insertRows(database, rows)
    expect(await print()).toEqual(good)
    await databases.swap(database, { staged: aside, aside: staged })
    expect(await print()).toEqual(bad)
    await databases.restoreInPlace(database, dump)
    expect(await print()).toEqual(good)
    await databases.drop(database, staged)
    expect(await databases.beside(database)).not.toContain(staged)
    await ask('postgres', `DROP DATABASE ${quoted(live)}`)
  }

  test('of every kind go the whole way: dump, verify, restore, assert, swap and back', async () => {
    await theWholeWay({
      database: `My "Shop"" 'x'=1`,
      schemas: ['my app', 'a.b"c'],
      tables: ['Order s', 'b.c'],
      columns: ['t', 'q', 'Größe "x"'],
      roles: ['app user', 'PUBLIC; TO x'],
      index: 'i. "x" y',
    })
    await fc.assert(fc.asyncProperty(contents, theWholeWay), { numRuns: 4, endOnFailure: true })
  }, 600_000)
})
