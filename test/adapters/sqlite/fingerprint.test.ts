import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import Connection from 'better-sqlite3'
import {
  array,
  assert,
  bigInt,
  double,
  oneof,
  property,
  shuffledSubarray,
  string,
  uint8Array,
  constant,
  tuple,
} from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  MultisetDigest,
  encode,
  fingerprint,
  type NativeCell,
} from '../../../src/adapters/sqlite/fingerprint.ts'

const printed = (sql: string) => {
  const connection = new Connection(':memory:')
  connection.exec(sql)
  return fingerprint(connection, 'rows-and-digest')
}
const digest = (rows: string) => printed(`CREATE TABLE t (a, b); INSERT INTO t VALUES ${rows}`).digest

describe('fingerprints of SQLite databases', () => {
  test('the order of rows and what a VACUUM moves do not count', () => {
    expect(digest("(1, 'x'), (2, 'y')")).toBe(digest("(2, 'y'), (1, 'x')"))
    expect(
      printed(
        "CREATE TABLE t (a, b); INSERT INTO t VALUES (0, 0), (1, 'x'); DELETE FROM t WHERE a = 0; VACUUM",
      ).digest,
    ).toBe(digest("(1, 'x')"))
  })

  test.each([
    ['a row twice', '(1, 2), (1, 2)', '(1, 2)'],
    ['two rows twice', '(1, 2), (1, 2), (3, 4), (3, 4)', '(1, 2), (3, 4)'],
    ['an integer and a real', '(1, 2)', '(1.0, 2)'],
    ['a number and its text', '(1, 2)', "('1', 2)"],
    ['a text and its bytes', "('1', 2)", "(x'31', 2)"],
    ['nothing and empty', "(NULL, '')", "('', NULL)"],
    ['text at the border of cells', "('ab', 'c')", "('a', 'bc')"],
    ['integers past what a double holds', '(9007199254740993, 0)', '(9007199254740992, 0)'],
    ['text after a NUL', "('a' || char(0) || 'b', 0)", "('a' || char(0) || 'c', 0)"],
  ])('%s differ', (_, one, other) => {
    expect(digest(one)).not.toBe(digest(other))
  })

  test('tables of every kind are read: without rowid, generated columns, odd names, indexes of full text', () => {
    const print = printed(`
      CREATE TABLE plain (a); INSERT INTO plain VALUES (1);
      CREATE TABLE "od""d na'me" (a PRIMARY KEY, b AS (a || 'x')) WITHOUT ROWID; INSERT INTO "od""d na'me" VALUES (1), (2);
      CREATE VIRTUAL TABLE docs USING fts5(body); INSERT INTO docs VALUES ('hello');
      CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO counted DEFAULT VALUES;
      CREATE VIEW seen AS SELECT * FROM plain; ANALYZE`)
    expect(print.tables.map(({ table, rows }) => [table, rows])).toEqual([
      ['counted', 1],
      ['docs_config', 1],
      ['docs_content', 1],
      ['docs_data', 3],
      ['docs_docsize', 1],
      ['docs_idx', 1],
      [`od"d na'me`, 2],
      ['plain', 1],
    ])
  })

  const cell = oneof(
    constant<NativeCell>(null),
    bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    double({ noNaN: true }),
    string(),
    uint8Array(),
  )
  const row = array(cell, { maxLength: 5 })

  test('different rows have different encodings', () => {
    const rows = oneof(
      tuple(row, row),
      row.map((one) => [one, structuredClone(one)] as const),
    )
    assert(
      property(rows, ([one, other]) => {
        const encoded = Buffer.from(encode(one))
        expect(encoded.equals(encode(other))).toBe(isDeepStrictEqual(one, other))
      }),
    )
  })

  test('the sum forgets the order and nothing else', () => {
    const sumOf = (rows: readonly (readonly NativeCell[])[]): string => {
      const bag = new MultisetDigest()
      for (const row of rows) bag.add(encode(row))
      return `${bag.count} ${bag.sum()}`
    }
    const shuffled = array(row, { minLength: 1 }).chain((rows) =>
      tuple(constant(rows), shuffledSubarray(rows, { minLength: rows.length })),
    )
    assert(
      property(shuffled, ([rows, again]) => {
        expect(sumOf(again)).toBe(sumOf(rows))
      }),
    )
    assert(
      property(array(row, { minLength: 1 }), (rows) => {
        expect(sumOf([...rows, rows[0] ?? []])).not.toBe(sumOf(rows))
      }),
    )
  })

  test('a row larger than the scratch space', () => {
    const large = randomBytes(300_000)
    const bag = (bytes: Buffer) => {
      const it = new MultisetDigest()
      it.add(encode(['x', bytes, 'y']))
      return it.sum()
    }
    const other = Buffer.from(large)
    other[299_999] = (other[299_999] ?? 0) ^ 1
    expect(bag(large)).not.toBe(bag(other))
    expect(bag(large)).toBe(bag(Buffer.from(large)))
  })
})
