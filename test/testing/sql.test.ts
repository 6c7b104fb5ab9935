import { describe, expect, it } from 'vitest'
import { answerOf } from '../../src/testing/sql.ts'

const tables = {
  alembic_version: [{ version_num: '3c4d5e6f7081' }],
  orders: [
    { id: 1, total: 10 },
    { id: 2, total: 32 },
  ],
  'audit.entries': [{ id: 7 }],
  'public.orders_of_old': [],
}
const asked = (sql: string, engine: 'postgres' | 'sqlite' = 'postgres') => answerOf(sql, tables, engine)

describe('an answer', () => {
  it('follows the rows, the query and the engine, and is not changed by who got an earlier one', () => {
    const sql = 'select id from changing order by id'
    const first = answerOf(sql, { changing: [{ id: 1 }] }, 'postgres')
    Object.assign(first[0]!, { id: 9 })
    expect(answerOf(sql, { changing: [{ id: 1 }] }, 'postgres')).toEqual([{ id: 1 }])
    expect(answerOf(sql, { changing: [{ id: 1 }, { id: 2 }] }, 'postgres')).toEqual([{ id: 1 }, { id: 2 }])
    expect(answerOf(`${sql} desc`, { changing: [{ id: 1 }, { id: 2 }] }, 'postgres')[0]).toEqual({ id: 2 })
    expect(answerOf('select id from other.one', { 'other.one': [{ id: 1 }] }, 'postgres')).toEqual([
      { id: 1 },
    ])
    expect(() => answerOf('select id from other.one', { 'other.one': [{ id: 1 }] }, 'sqlite')).toThrow(
      /cannot answer/,
    )
  })

  it('that depends on chance is found anew each time', () => {
    const asked = (): unknown => answerOf('select random() as n', {}, 'sqlite')[0]?.['n']
    expect(new Set([asked(), asked(), asked()]).size).toBeGreaterThan(1)
  })
})

describe('the tables of a fake Postgres', () => {
  it('are in the schema public, where no other is named', () => {
    for (const table of ['orders', 'public.orders', '"public"."orders"'])
      expect(asked(`select sum(total) as sum from ${table}`)).toEqual([{ sum: 42 }])
    expect(asked('select id from audit.entries')).toEqual([{ id: 7 }])
    expect(asked('select * from orders_of_old')).toEqual([])
  })

  it('are found in another schema only by its name, as on a server', () => {
    expect(() => asked('select id from entries')).toThrow(/cannot answer select id from entries/)
  })

  it('are listed by its catalogues, among those of the server', () => {
    const listed = (sql: string) => asked(sql).map(({ name }) => name)
    expect(listed("select tablename as name from pg_catalog.pg_tables where schemaname = 'audit'")).toEqual([
      'entries',
    ])
    expect(listed('select tablename as name from pg_tables order by 1')).toContain('pg_class')
    expect(
      listed(
        "select table_name as name from information_schema.tables where table_schema = 'public' order by 1",
      ),
    ).toEqual(['alembic_version', 'orders', 'orders_of_old'])
    expect(
      listed(
        "select column_name as name from information_schema.columns where table_schema = 'public' and table_name = 'orders' order by 1",
      ),
    ).toEqual(['id', 'total'])
  })

  it('are only read', () => {
    expect(() => asked('delete from orders')).toThrow(/not read-only/)
  })
})

describe('the tables of a fake SQLite', () => {
  it('have the names that they are given, and are in its own catalogue', () => {
    expect(asked('select id from "audit.entries"', 'sqlite')).toEqual([{ id: 7 }])
    expect(
      asked("select name from sqlite_master where type = 'table' order by name", 'sqlite').map(
        ({ name }) => name,
      ),
    ).toEqual(['alembic_version', 'audit.entries', 'orders', 'public.orders_of_old'])
    expect(() => asked('select * from pg_tables', 'sqlite')).toThrow(/cannot answer/)
  })
})
