import { RunbookError } from '../../kernel/errors.ts'

/** NAMEDATALEN - 1; the server would cut a longer name, and then mean another database. */
const longestName = 63

export const partialSuffix = '__partial'

/**
 * What a copy is called until it is complete.
 * @throws RunbookError `usage` for a name that is too long for it.
 */
export function partialName(name: string): string {
  const whole = `${name}${partialSuffix}`
  if (Buffer.byteLength(whole) <= longestName) return whole
  throw new RunbookError(
    'usage',
    `the name ${name} is too long for a copy of a database: PostgreSQL takes ${longestName} bytes, and nine are needed`,
    {
      hint: 'choose a shorter name',
    },
  )
}
