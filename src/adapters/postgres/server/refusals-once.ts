import type { Scope } from '../../../drivers/scope.ts'

/** A line of psql where nothing listens (fe-connect.c); a kept one names its input before it. A line that asks a question follows. */
const refusal =
  /^psql:.*?connection to server (?:at|on socket) ("[^"]*"(?:, port \d+)?).* failed: (?:Connection refused|No such file or directory)\n$/

const start = 'psql:'

/**
 * The same scope, whose output says once that a server refuses connections: whoever waits for one asks again several times a
 * second. The error that each attempt ends with is as it was.
 */
export function refusalsOnce(scope: Scope): Scope {
  const said = new Set<string>()
  return withRefusals(scope, (address) => {
    if (said.has(address)) return ''
    said.add(address)
    return `no server accepts connections at ${address} so far\n`
  })
}

/**
 * The same scope, whose output leaves out that a server refuses connections: for one that was just started, where whoever
 * waits says why it did not come up.
 */
export const withoutRefusals = (scope: Scope): Scope => withRefusals(scope, () => '')

/** psql writes a line in pieces, and each may arrive by itself: one that may become a refusal is held back until it is complete. */
function withRefusals(scope: Scope, instead: (address: string) => string): Scope {
  let held = ''
  let refused = false
  let inLine = false

  const shown = (line: string): string => {
    const isQuestion = refused && line.startsWith('\t')
    const address = inLine || isQuestion ? undefined : refusal.exec(line)?.[1]
    refused = address !== undefined
    inLine = false
    return isQuestion ? '' : address === undefined ? line : instead(address)
  }
  const isWaitedFor = (part: string): boolean =>
    !inLine && (part.startsWith(start) || start.startsWith(part) || (refused && part.startsWith('\t')))

  return {
    ...scope,
    output(chunk) {
      // Each byte is a character, so that what is no text stays as it is.
      const lines = (held + Buffer.from(chunk).toString('latin1')).split(/(?<=\n)/)
      const part = lines.at(-1)?.endsWith('\n') === false ? (lines.pop() ?? '') : ''
      let left = lines.map(shown).join('')
      held = part !== '' && isWaitedFor(part) ? part : ''
      if (part !== '' && held === '') {
        left += part
        inLine = true
      }
      if (left !== '') scope.output(Buffer.from(left, 'latin1'))
    },
  }
}
