import { exits, failureOf, RunbookError } from '../kernel/errors.ts'
import { Redactor } from '../kernel/redact.ts'
import { asTyped } from './command-hints.ts'
import { errorReportOf, exitOf } from './error-report.ts'
import type { Globals } from './context.ts'
import { commandNames, programFor } from './program.ts'
import { processTerminal } from './terminal.ts'
import { ownVersion } from './package-root.ts'
import { registerTeamModules } from './team-modules.ts'

/** Runs the command line and exits the process after all output is flushed. */
export async function main(argv: readonly string[]): Promise<void> {
  // Evidence, journal and dumps must be readable by this user only.
  process.umask(0o077)
  registerTeamModules()
  const terminal = processTerminal(new Redactor())
  // The origin of the error is unknown, so nothing goes on: the journal has what was begun, and a resume
  // probes before it acts.
  process.on('uncaughtException', (thrown) => {
    terminal.err(
      errorReportOf(thrown instanceof RunbookError ? new Error(thrown.message, { cause: thrown }) : thrown)
        .text,
    )
    process.exit(exits.bug.exit)
  })
  const program = programFor(terminal, ownVersion())
  try {
    await program.parseAsync(argv, { from: 'user' })
    process.exitCode ??= 0
  } catch (thrown) {
    const { code, text } = errorReportOf(thrown)
    const { config, trust } = program.opts<Globals>()
    if (text !== '')
      terminal.err(asTyped(text, { environment: process.env, config, trust }, commandNames(program)))
    if (argv.includes('--json') && code !== 'succeeded')
      terminal.json({ event: 'error', exit: exitOf(code), ...failureOf(thrown, code) })
    process.exitCode = exitOf(code)
  }
  // A step that did not stop may keep a handle open; its run is journaled as in doubt, so do not wait for it.
  await terminal.drained()
  process.exit()
}
