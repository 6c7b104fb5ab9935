import { CommanderError } from 'commander'
import { authorPlace } from '../kernel/author-place.ts'
import { exits, messageOf, RunbookError, textOf, type Code } from '../kernel/errors.ts'
import { sanitize } from '../kernel/sanitize.ts'

/** The exit code and the error text of a command that failed. */
export type ErrorReport = { readonly code: Code; readonly text: string }

/** Message, cause, place in an author's code and hint for an expected error; the stack for a bug. */
export function errorReportOf(thrown: unknown): ErrorReport {
  // Commander has already printed its message or the help.
  if (thrown instanceof CommanderError)
    return { code: thrown.exitCode === 0 ? 'succeeded' : 'usage', text: '' }
  if (thrown instanceof RunbookError && thrown.code !== 'bug') {
    const hint = thrown.hint === undefined ? '' : `hint: ${sanitize(thrown.hint)}\n`
    const place = authorPlace(thrown)
    const at = place === null ? '' : `  at ${sanitize(place)}\n`
    return { code: thrown.code, text: `error: ${sanitize(messageOf(thrown))}\n${at}${hint}` }
  }
  const text = thrown instanceof Error ? (thrown.stack ?? thrown.message) : textOf(thrown)
  return {
    code: 'bug',
    text: `error: this is a bug in runbook, not in your system\n${sanitize(text)}\nhint: \`runbook status\` shows whether a run is open; please report the lines above\n`,
  }
}

export const exitOf = (code: Code): number => exits[code].exit
