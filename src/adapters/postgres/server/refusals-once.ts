import type { Scope } from '../../../drivers/scope.ts'

/** Two lines of psql where nothing listens (fe-connect.c); a kept one names its input before them. */
const refusal =
  /^psql:[^\n]*?connection to server (?:at|on socket) ("[^"\n]*"(?:, port \d+)?)[^\n]* failed: (?:Connection refused|No such file or directory)\n(?:\t[^\n]*\n?)?/gm

/**
 * The same scope, whose output leaves out that a server refuses connections: for one that was just started, where whoever
 * waits says why it did not come up.
 */
export const withoutRefusals = (scope: Scope): Scope => ({
  ...scope,
  output(chunk) {
    const text = Buffer.from(chunk).toString('latin1')
    const left = text.replace(refusal, '')
    if (left !== '' || text === '') scope.output(left === text ? chunk : Buffer.from(left, 'latin1'))
  },
})

/**
 * The same scope, whose output says once that a server refuses connections: whoever waits for one asks again several times a
 * second. The error that each attempt ends with is as it was.
 */
export function refusalsOnce(scope: Scope): Scope {
  const said = new Set<string>()
  return {
    ...scope,
    output(chunk) {
      const text = Buffer.from(chunk).toString('latin1')
      const left = text.replace(refusal, (_, address: string) => {
        if (said.has(address)) return ''
        said.add(address)
        return `no server accepts connections at ${address} so far\n`
      })
      if (left !== '' || text === '') scope.output(left === text ? chunk : Buffer.from(left, 'latin1'))
    },
  }
}
