import type { z } from 'zod'

/** One line per mistake: where it is, and what is expected. Values of the configuration are not repeated. */
export function mistakes(error: z.ZodError, given: unknown): readonly string[] {
  return error.issues.map((issue) => {
    const path = issue.path.map(String)
    const where = path.length === 0 ? 'the default export' : path.join('.')
    return `${where}: ${sentence(issue, given)}`
  })
}

function sentence(issue: z.core.$ZodIssue, given: unknown): string {
  if (issue.code !== 'invalid_type') return issue.message
  const value = issue.path.reduce<unknown>(
    (here, key) => (typeof here === 'object' && here !== null ? Reflect.get(here, key) : undefined),
    given,
  )
  return value === undefined
    ? `is missing; expected ${expected(issue.expected)}`
    : `expected ${expected(issue.expected)}, got ${kindOf(value)}`
}

const expected = (type: string): string =>
  ({
    string: 'a string',
    array: 'a list',
    object: 'an object',
    record: 'an object',
    int: 'an integer',
    boolean: 'true or false',
  })[type] ?? `a ${type}`

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  // The value is not shown, because it may be a secret in the wrong place.
  if (typeof value === 'string') return 'a string'
  return typeof value === 'object' ? 'an object' : `${String(value)}`
}
