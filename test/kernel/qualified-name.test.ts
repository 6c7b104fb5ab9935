import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { partsOfName, qualifiedName } from '../../src/kernel/qualified-name.ts'

it('reads back every pair of names', () => {
  const name = fc.oneof(
    fc.string({ minLength: 1, unit: fc.constantFrom('a', '.', '"', ' ', 'é') }),
    fc.string({ minLength: 1 }),
  )
  fc.assert(
    fc.property(name, name, (schema, table) => {
      expect(partsOfName(qualifiedName(schema, table))).toEqual([schema, table])
    }),
  )
})

it.each([
  ['public', 'orders', 'public.orders'],
  ['my app', 'Order s', 'my app.Order s'],
  ['a.b', 'c"d', '"a.b"."c""d"'],
])('writes %s and %s as %s', (schema, table, text) => {
  expect(qualifiedName(schema, table)).toBe(text)
})

it('takes a name without a schema as it is', () => {
  expect(partsOfName('orders')).toEqual(['orders'])
  expect(partsOfName('"or.ders"')).toEqual(['or.ders'])
})
