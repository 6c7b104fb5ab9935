import { RunbookError } from '../../kernel/errors.ts'

/** NAMEDATALEN - 1; the server truncates a longer name, which may be that of another database. */
const longestName = 63

export const partialSuffix = '__partial'

/**
 * The name of a copy until it is complete.
 * @throws RunbookError `usage` for a name that is too long
 */
export function partialName(name: string): string {
  const partial = `${name}${partialSuffix}`
  if (Buffer.byteLength(partial) <= longestName) return partial
  throw new RunbookError(
    'usage',
    `name ${name} is too long for a copy of a database: at most ${longestName - partialSuffix.length} bytes`,
    {
      hint: 'choose a shorter name',
    },
  )
}
