import { z } from 'zod'
import type { Json } from '../kernel/json.ts'
import { section } from './parts/section.ts'
import { json, strict, text } from './parts/values.ts'

export type Assertion = {
  readonly name: string
  /** Read-only; the first column of the first row is compared. */
  readonly sql: string
  readonly expect:
    | { readonly equals: Json }
    | { readonly atLeast: number }
    | { readonly oneOf: readonly Json[] }
}

const exclusive = { otherwise: 'one of the other two is given' }
const assertion = strict({
  name: text.describe('Name of the assertion in reports.'),
  sql: text.describe('A read-only query; the first column of its first row is compared.'),
  equals: json.optional().describe('The required value. Exactly one of the three.').meta(exclusive),
  atLeast: z.number().optional().describe('The required minimum. Exactly one of the three.').meta(exclusive),
  oneOf: z
    .array(json)
    .readonly()
    .optional()
    .describe('The permitted values. Exactly one of the three.')
    .meta(exclusive),
}).superRefine((one, context) => {
  const given = ['equals', 'atLeast', 'oneOf'].filter((key) => one[key as keyof typeof one] !== undefined)
  if (given.length !== 1)
    context.addIssue({ code: 'custom', message: 'expected exactly one of equals, atLeast and oneOf' })
})

export const assertions = section({
  about:
    'Queries that a restored copy must pass before it goes live. Without them, a dump that restores but is empty or already damaged goes unnoticed.',
  schema: z.array(assertion).readonly(),
  example: [
    { name: 'orders are there', sql: 'select count(*) from orders', atLeast: 1000 },
    { name: 'no order lacks a total', sql: 'select count(*) from orders where total is null', equals: 0 },
  ],
  resolve: (raw): readonly Assertion[] =>
    raw.map(({ name, sql, equals, atLeast, oneOf }) => {
      if (equals !== undefined) return { name, sql, expect: { equals } }
      return { name, sql, expect: atLeast === undefined ? { oneOf: oneOf ?? [] } : { atLeast } }
    }),
  absent: {
    about:
      'what can be known without them: every table of the dump is in the copy, not all are empty, and rows that the live database has more are shown before it is replaced',
    resolve: () => ({
      value: [],
      says: 'no assertions are configured: that the tables are there and have rows is checked, whether the rows are right is not; a dump that holds the damage passes',
    }),
  },
})
