import { Command } from 'commander'
import { backupsCommand } from './commands/backups.ts'
import { completionCommand } from './commands/completion.ts'
import { docsCommand } from './commands/docs.ts'
import { doctorCommand } from './commands/doctor.ts'
import { evidenceCommand } from './commands/evidence.ts'
import { helpCommand } from './commands/help.ts'
import { historyCommand } from './commands/history.ts'
import { importCommand } from './commands/import.ts'
import { initCommand } from './commands/init.ts'
import { listCommand } from './commands/list.ts'
import { newCommand } from './commands/new.ts'
import { resumeCommand, rollbackCommand } from './commands/resume.ts'
import { runCommand } from './commands/run.ts'
import { showCommand } from './commands/show.ts'
import { statusCommand } from './commands/status.ts'
import { unlockCommand } from './commands/unlock.ts'
import { CliContext, type Globals } from './context.ts'
import { collect } from './duties.ts'
import { sanitize } from '../kernel/sanitize.ts'
import type { Terminal } from './terminal.ts'

/** All commands. Configuration and adapters are loaded only when a command runs. */
export function programFor(terminal: Terminal, version: string): Command {
  const program = new Command('runbook')
  const context = new CliContext(
    terminal,
    version,
    () => program.opts<Globals>(),
    () => commandNames(program),
  )
  program
    .description(
      'Recovery procedures as typed code: preview every step, roll back on failure, leave evidence.',
    )
    .version(version, '--version', 'print the version')
    .option(
      '--config <file>',
      'use this configuration instead of searching for runbook.config.{ts,mts,js,mjs}',
    )
    .option(
      '--trust <path>',
      'load code from this file, or from below this folder, although others could have written it; recorded',
      collect,
    )
    .helpCommand(false)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(sanitize(text)),
      writeErr: (text) => terminal.err(sanitize(text)),
    })
    .showHelpAfterError('hint: add --help to see the arguments and flags')
  const commands = [
    initCommand,
    newCommand,
    importCommand,
    listCommand,
    showCommand,
    docsCommand,
    runCommand,
    resumeCommand,
    rollbackCommand,
    statusCommand,
    historyCommand,
    doctorCommand,
    backupsCommand,
    evidenceCommand,
    unlockCommand,
    completionCommand,
    helpCommand,
  ]
  for (const add of commands) add(program, context)
  return program
}

export const commandNames = (program: Command): readonly string[] =>
  program.commands.map((command) => command.name())
