import { isPending, say, type Assertion, type Preview } from '../../../src/index.ts'

/** The assertions as the text of a step names them; without any, what is checked instead. */
export function assertionsInWords(assertions: Preview<{ readonly all: readonly Assertion[] }>['all']) {
  if (isPending(assertions)) return 'the configured assertions'
  if (assertions.length === 0)
    return 'that tables are there and have rows, since no assertions are configured'
  return assertions.length === 1
    ? 'the one configured assertion'
    : say`the ${assertions.length} configured assertions`
}
