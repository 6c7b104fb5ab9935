import { expect, test } from 'vitest'
import { csvOf } from '../../steps/databases/lib/csv.ts'

test.each([
  ['plain', 'plain'],
  ['', '""'],
  [null, ''],
  [0, '0'],
  [false, 'false'],
  ['a,b', '"a,b"'],
  ['say "so"', '"say ""so"""'],
  ['two\r\nlines', '"two\r\nlines"'],
  [' edge ', '" edge "'],
] as const)('%j is written %s', (cell, written) => {
  expect(csvOf(['id', 'x'], [[1, cell]])).toBe(`id,x\r\n1,${written}\r\n`)
})

test('no rows are headers alone', () => {
  expect(csvOf(['id', 'a,b'], [])).toBe('id,"a,b"\r\n')
})
