import { CommanderError } from 'commander'
import { exits, RunbookError, type Code } from '../kernel/errors.ts'
import { sanitize } from '../kernel/sanitize.ts'

/** What a command leaves for the shell when it could not do its work, and what it says on the way out. */
export type Complaint = { readonly code: Code; readonly text: string }

/** Message, cause and hint for what we foresaw; the stack for what we did not. */
export function complaintOf(thrown: unknown): Complaint {
  // Commander has printed its own sentence already, or the help that was asked for.
  if (thrown instanceof CommanderError)
    return { code: thrown.exitCode === 0 ? 'succeeded' : 'usage', text: '' }
  if (thrown instanceof RunbookError && thrown.code !== 'bug') {
    const hint = thrown.hint === undefined ? '' : `hint: ${sanitize(thrown.hint)}\n`
    return { code: thrown.code, text: `error: ${sanitize(withCauses(thrown))}\n${hint}` }
  }
  const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)
  return {
    code: 'bug',
    text: `error: this is a bug in runbook, not in your system\n${sanitize(text)}\nhint: \`runbook status\` shows whether a run is open; please report the lines above\n`,
  }
}

export const exitOf = (code: Code): number => exits[code].exit

function withCauses(error: Error): string {
  const { cause } = error
  if (cause === undefined) return error.message
  const because = cause instanceof Error ? withCauses(cause) : String(cause)
  return error.message.includes(because) ? error.message : `${error.message}: ${because}`
}
