import { exits, failureOf, RunbookError } from '../kernel/errors.ts'
import { asTyped } from './command-hints.ts'
import type { Globals } from './context.ts'
import { errorReportOf, exitOf } from './error-report.ts'
import { ownVersion } from './package-root.ts'
import { commandNames, programFor } from './program.ts'
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
  const program = await programFor(terminal, ownVersion(), argv)
  try {
    await program.parseAsync(argv, { from: 'user' })
    process.exitCode ??= 0
  } catch (thrown) {
    const { code, text } = errorReportOf(thrown)
    const { config, trust } = program.opts<Globals>()
    if (text !== '') terminal.err(asTyped(text, { environment: process.env, config, trust }, commandNames))
    if (argv.includes('--json') && code !== 'succeeded')
      terminal.json({ event: 'error', exit: exitOf(code), ...failureOf(thrown, code) })
    process.exitCode = exitOf(code)
  }
}
