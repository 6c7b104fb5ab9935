import { Redactor } from '../kernel/redact.ts'
import { processTerminal } from './terminal.ts'
import { ownVersion } from './package-root.ts'

/** Runs the command line and exits the process after all output is flushed. */
export async function main(argv: readonly string[]): Promise<void> {
  // Evidence, journal and dumps must be readable by this user only.
  process.umask(0o077)
  const terminal = processTerminal(new Redactor())
  if (argv.length === 1 && argv[0] === '--version') {
    // Scripts ask for it often, so nothing else is loaded.
    terminal.out(`${ownVersion()}\n`)
    process.exitCode = 0
  } else {
    const { runCommandLine } = await import('./command-line.ts')
    await runCommandLine(argv, terminal)
  }
  // A step that did not stop may keep a handle open; its run is journaled as in doubt, so do not wait for it.
  await terminal.drained()
  process.exit()
}
