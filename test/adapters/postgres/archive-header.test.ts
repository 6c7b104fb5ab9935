import { describe, expect, test } from 'vitest'
import { majorOf, readHeader } from '../../../src/adapters/postgres/archive/archive-header.ts'

/** As pg_dump writes it: numbers of four bytes, lowest first, behind a sign byte; texts behind their length. */
function header(
  minor: number,
  { compression = minor >= 15 ? [1] : int(-1), format = 1, database = 'shop', server = '17.11' } = {},
): Buffer {
  const time = [26, 14, 9, 21, 10, 126, 1]
  return Buffer.concat([
    Buffer.from('PGDMP'),
    Buffer.from([1, minor, 0, 4, 8, format, ...compression]),
    ...time.map((part) => Buffer.from(int(part))),
    ...[database, server, '17.10 (Debian 17.10-1)'].map((text) =>
      Buffer.concat([Buffer.from(int(Buffer.byteLength(text))), Buffer.from(text)]),
    ),
  ])
}

function int(value: number): number[] {
  const size = Math.abs(value)
  return [value < 0 ? 1 : 0, size & 255, (size >> 8) & 255, (size >> 16) & 255, (size >> 24) & 255]
}

describe('the header of an archive', () => {
  test.each([12, 13, 14, 15, 16])('of format 1.%i says what, when and by whom', (minor) => {
    expect(readHeader(header(minor, { database: 'größe "1"' }))).toEqual({
      version: `1.${minor}.0`,
      minor,
      offsetSize: 8,
      checked: true,
      takenAt: '2026-11-21T09:14:26.000Z',
      database: 'größe "1"',
      serverVersion: '17.11',
      dumpedBy: '17.10 (Debian 17.10-1)',
    })
  })

  test('tells whether the data carries check values', () => {
    expect(readHeader(header(14, { compression: int(0) }))).toMatchObject({ checked: false })
    expect(readHeader(header(14, { compression: int(9) }))).toMatchObject({ checked: true })
    for (const [algorithm, checked] of [
      [0, false],
      [1, true],
      [2, false],
      [3, false],
    ] as const) {
      expect(readHeader(header(16, { compression: [algorithm] }))).toMatchObject({ checked })
    }
  })

  test('cut short anywhere is refused', () => {
    const whole = header(16)
    for (let length = 0; length < whole.length; length++)
      expect(readHeader(whole.subarray(0, length)), `${length} bytes`).toHaveProperty('refused')
  })

  test.each([
    ['SQLite format 3\0', 'SQLite'],
    ['', 'it is empty inside: what was compressed or encrypted into it has 0 bytes'],
    ['hello', 'it is not a dump of PostgreSQL'],
    [
      'pg_dump: error: connection to server failed\nmore\n',
      'it is not a dump, but a message: pg_dump: error: connection to server failed',
    ],
    ['Error response from daemon: No such container: db\n', 'a message: Error response from daemon'],
  ])('of something else is named: %j', (start, named) => {
    expect(readHeader(Buffer.from(start, 'latin1'))).toMatchObject({
      refused: expect.stringContaining(named),
    })
  })

  test('of a tar, of a directory and of an unknown age is refused', () => {
    expect(readHeader(header(16, { format: 3 }))).toHaveProperty('refused')
    expect(readHeader(header(16, { format: 5 }))).toHaveProperty('refused')
    expect(readHeader(header(11))).toHaveProperty('refused')
  })

  test.each([
    ['17.11 (Debian 17.11-1)', 17],
    ['18beta1', 18],
    ['9.6.24', 9],
  ])('the major version of %s is %i', (version, major) => {
    expect(majorOf(version)).toBe(major)
  })
})
