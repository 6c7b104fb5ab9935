import { exits, failureOf, RunbookError } from '../kernel/errors.ts'
import { typedIn } from './command-hints.ts'
import { errorReportOf, exitOf } from './error-report.ts'
import { ownVersion } from './package-root.ts'
import { programFor } from './program.ts'
import { registerTeamModules } from './team-modules.ts'
import type { Terminal } from './terminal.ts'

/** Runs the command that was typed and sets the exit code. */
export async function runCommandLine(argv: readonly string[], terminal: Terminal): Promise<void> {
  registerTeamModules()
  // The origin of the error is unknown, so nothing goes on: the journal has what was begun, and a resume
  // probes before it acts.
  process.on('uncaughtException', (thrown) => {
    terminal.err(
      errorReportOf(thrown instanceof RunbookError ? new Error(thrown.message, { cause: thrown }) : thrown)
        .text,
    )
    process.exit(exits.bug.exit)
  })
  const { program, context } = await programFor(terminal, ownVersion(), argv)
  try {
    await program.parseAsync(argv, { from: 'user' })
    process.exitCode ??= 0
  } catch (thrown) {
    const { code, text } = errorReportOf(thrown)
    const typed = (words: string): string => context.asTyped(words)
    if (text !== '') terminal.err(typed(text))
    if (argv.includes('--json') && code !== 'succeeded')
      terminal.json({ event: 'error', exit: exitOf(code), ...typedIn(failureOf(thrown, code), typed) })
    process.exitCode = exitOf(code)
  }
}
