import { deflateSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { DataEnd } from '../../../src/adapters/postgres/archive/data-end.ts'
import {
  archiveIn,
  type Archive,
  type ArchiveEntry,
} from '../../../src/adapters/postgres/archive/table-of-contents.ts'

/** As pg_dump writes it: numbers of four bytes, lowest first, behind a sign byte; texts behind their length. */
function int(value: number): Buffer {
  const size = Math.abs(value)
  return Buffer.from([
    value < 0 ? 1 : 0,
    size & 255,
    (size >> 8) & 255,
    (size >> 16) & 255,
    (size >> 24) & 255,
  ])
}
const text = (value: string | null, encoding: BufferEncoding = 'utf8'): Buffer =>
  value === null
    ? int(-1)
    : Buffer.concat([int(Buffer.byteLength(value, encoding)), Buffer.from(value, encoding)])

/** Their places follow from what is before them. */
type Entry = Omit<ArchiveEntry, 'at'>

function archive(
  minor: number,
  entries: readonly Entry[],
  encoding: BufferEncoding = 'utf8',
): { readonly front: Buffer; readonly data: Buffer } {
  const header = Buffer.concat([
    Buffer.from('PGDMP'),
    Buffer.from([1, minor, 0, 4, 8, 1]),
    minor >= 15 ? Buffer.from([1]) : int(-1),
    ...[26, 14, 9, 21, 10, 126, 1].map(int),
    ...['shop', '17.6', '17.6'].map((one) => text(one)),
  ])
  const rows = entries.map(
    ({ kind, name, schema, owner, definition, dropping, tablespace, hasData }, index) =>
      Buffer.concat([
        int(index + 1),
        int(hasData ? 1 : 0),
        ...['1259', '16384', name, kind].map((one) => text(one, encoding)),
        int(2),
        ...[definition, dropping, hasData ? 'COPY …' : null, schema, tablespace].map((one) =>
          text(one, encoding),
        ),
        ...(minor >= 14 ? [text('heap')] : []),
        ...(minor >= 16 ? [int(114)] : []),
        ...[owner, 'false', '7', '12', null].map((one) => text(one, encoding)),
        Buffer.from([1, 0, 0, 0, 0, 0, 0, 0, 0]),
      ]),
  )
  const blocks = entries.flatMap(({ kind, hasData }, index) => {
    if (!hasData) return []
    const chunk = Buffer.concat([int(3), Buffer.from([0, 1, 3]), int(0)])
    return kind === 'BLOBS'
      ? [Buffer.from([3]), int(index + 1), int(7001), chunk, int(7002), int(0), int(0)]
      : [Buffer.from([1]), int(index + 1), chunk]
  })
  return { front: Buffer.concat([header, int(entries.length), ...rows]), data: Buffer.concat(blocks) }
}

const entry = (kind: string, name: string, more: Partial<Entry> = {}): Entry => ({
  id: 0,
  kind,
  name,
  schema: null,
  owner: null,
  definition: '',
  dropping: '',
  tablespace: null,
  hasData: false,
  needs: [7, 12],
  ...more,
})
const entries = [
  entry('ENCODING', 'ENCODING', { definition: "SET client_encoding = 'UTF8';\n" }),
  entry('SCHEMA', 'my app', {
    owner: 'app user',
    definition: 'CREATE SCHEMA "my app";',
    dropping: 'DROP SCHEMA "my app";',
  }),
  entry('TABLE DATA', 'order s\n; 1; 2', { schema: 'my app', owner: 'app user', hasData: true }),
  entry('BLOBS', 'BLOBS', { hasData: true }),
  entry('INDEX', 'fast', { schema: 'my app', definition: 'CREATE INDEX fast', tablespace: 'ssd' }),
  entry('TABLE DATA', 'größe', { schema: 'a.b', owner: 'joe', hasData: true }),
]

const read = (bytes: Buffer): Archive => {
  const found = archiveIn(bytes)
  if (found === 'incomplete' || 'refused' in found) throw new Error(JSON.stringify(found))
  return found
}

describe.each([12, 13, 14, 15, 16])('the table of contents of format 1.%i', (minor) => {
  const { front, data } = archive(minor, entries)

  test('names everything as it is', () => {
    const numbered = entries.map((one, index) => ({ ...one, id: index + 1 }))
    expect(read(Buffer.concat([front, data]))).toMatchObject({ entries: numbered, dataAt: front.length })
  })

  test('says where kind and definition of each entry are', () => {
    for (const { kind, definition, at } of read(front).entries) {
      expect(front.subarray(at.kind.start, at.kind.end).toString()).toBe(kind)
      expect(front.subarray(at.definition.start, at.definition.end).toString()).toBe(definition)
    }
  })

  test('cut short anywhere is incomplete', () => {
    for (let length = front.length - 400; length < front.length; length++)
      expect(archiveIn(front.subarray(0, length)), `${length} bytes`).toBe('incomplete')
  })

  test.each([1, 7, 1_000_000])('is followed by data whose end is known, read %i bytes at a time', (step) => {
    for (const extra of [Buffer.alloc(0), Buffer.from([1]), Buffer.alloc(20), front]) {
      const end = new DataEnd(read(front))
      const all = Buffer.concat([front, data, extra])
      for (let at = 0; at < all.length; at += step) end.push(all.subarray(at, at + step))
      expect(end.extra).toBe(extra.length)
    }
  })

  test('is decoded from the encoding that it states', () => {
    for (const [encoding, bytes] of [
      ['LATIN1', 'latin1'],
      ['WIN1252', 'latin1'],
    ] as const) {
      const [first, ...others] = entries
      const stated = [{ ...first!, definition: `SET client_encoding = '${encoding}';\n` }, ...others]
      expect(read(archive(minor, stated, bytes).front).entries.map(({ name }) => name)).toEqual(
        stated.map(({ name }) => name),
      )
    }
  })
})

test('data that is no block ends the archive', () => {
  const { front } = archive(16, entries)
  const end = new DataEnd(read(front))
  end.push(Buffer.concat([front, Buffer.alloc(50)]))
  expect(end.extra).toBe(50)
})

test('a newer format is refused by its name', () => {
  expect(archiveIn(archive(17, entries).front)).toMatchObject({
    refused: expect.stringContaining('its format 1.17.0, of pg_dump 17.6, is newer than this program'),
  })
})

describe('a table without rows', () => {
  const empty = Buffer.from(String.raw`\.` + '\n\n\n')
  const row = Buffer.from('1\t\\N\n' + String.raw`\.` + '\n\n\n')
  const { front } = archive(16, [entry('TABLE DATA', 't', { hasData: true })])
  const emptyWith = (...chunks: readonly Buffer[]): boolean => {
    const end = new DataEnd(read(front))
    const block = [Buffer.from([1]), int(1), ...chunks.flatMap((chunk) => [int(chunk.length), chunk]), int(0)]
    for (const byte of Buffer.concat([front, ...block])) end.push(Buffer.from([byte]))
    expect(end.extra).toBe(0)
    return end.empty.has(1)
  }

  test.each<[string, (data: Buffer) => Buffer]>([
    ['as it is', (data) => data],
    ['with zlib', (data) => deflateSync(data)],
    ['with zstd', (data) => zstdCompressSync(data)],
  ])('is known from its block of data, compressed %s', (_, compress) => {
    expect(emptyWith(compress(empty))).toBe(true)
    expect(emptyWith(compress(empty).subarray(0, 3), compress(empty).subarray(3))).toBe(true)
    expect(emptyWith(compress(row))).toBe(false)
    expect(emptyWith(compress(Buffer.alloc(100_000)))).toBe(false)
  })

  test('is not said of one whose compression is not known, nor of a long one', () => {
    expect(emptyWith(Buffer.from('04224d18604082', 'hex'))).toBe(false)
    expect(emptyWith(Buffer.alloc(60, '\n'), Buffer.alloc(60, '\n'))).toBe(false)
  })
})
