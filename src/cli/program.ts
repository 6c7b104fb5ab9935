import { Command } from 'commander'
import { CliContext, type Globals } from './context.ts'
import { collect } from './duties.ts'
import { sanitize } from '../kernel/sanitize.ts'
import type { Terminal } from './terminal.ts'

/** Of help that is not printed at a terminal. */
const usualWidth = 80

type Add = (program: Command, context: CliContext) => void

/** In the order in which the help lists them. */
const commands: { readonly [name: string]: () => Promise<Add> } = {
  init: async () => (await import('./commands/init.ts')).initCommand,
  new: async () => (await import('./commands/new.ts')).newCommand,
  import: async () => (await import('./commands/import.ts')).importCommand,
  list: async () => (await import('./commands/list.ts')).listCommand,
  show: async () => (await import('./commands/show.ts')).showCommand,
  docs: async () => (await import('./commands/docs.ts')).docsCommand,
  run: async () => (await import('./commands/run.ts')).runCommand,
  resume: async () => (await import('./commands/resume.ts')).resumeCommand,
  rollback: async () => (await import('./commands/resume.ts')).rollbackCommand,
  watch: async () => (await import('./commands/watch.ts')).watchCommand,
  ack: async () => (await import('./commands/ack.ts')).ackCommand,
  status: async () => (await import('./commands/status.ts')).statusCommand,
  attach: async () => (await import('./commands/attach.ts')).attachCommand,
  history: async () => (await import('./commands/history.ts')).historyCommand,
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand,
  drills: async () => (await import('./commands/drills.ts')).drillsCommand,
  schedule: async () => (await import('./commands/schedule.ts')).scheduleCommand,
  serve: async () => (await import('./commands/serve.ts')).serveCommand,
  operators: async () => (await import('./commands/operators.ts')).operatorsCommand,
  backups: async () => (await import('./commands/backups.ts')).backupsCommand,
  evidence: async () => (await import('./commands/evidence.ts')).evidenceCommand,
  unlock: async () => (await import('./commands/unlock.ts')).unlockCommand,
  completion: async () => (await import('./commands/completion.ts')).completionCommand,
  help: async () => (await import('./commands/help.ts')).helpCommand,
}

export const commandNames: readonly string[] = Object.keys(commands)

/**
 * The command that is typed, or all where it is not plain which one, as for help. Configuration and adapters are
 * loaded only when a command runs.
 */
export async function programFor(
  terminal: Terminal,
  version: string,
  argv: readonly string[] = [],
): Promise<{ readonly program: Command; readonly context: CliContext }> {
  const program = new Command('runbook')
  const context = new CliContext(
    terminal,
    version,
    () => program.opts<Globals>(),
    () => commandNames,
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
      writeOut: (text) => terminal.show(sanitize(text)),
      writeErr: (text) => terminal.err(context.asTyped(sanitize(text))),
      getOutHelpWidth: () => terminal.width() ?? usualWidth,
    })
    .showHelpAfterError(hintFor(argv))
  const typed = commandIn(argv)
  const loading = typed === null ? Object.values(commands) : [commands[typed]]
  for (const add of await Promise.all(loading.map((load) => load?.()))) add?.(program, context)
  return { program, context }
}

/** They speak of the other commands. */
const needsAll: readonly string[] = ['help', 'completion']

/** Null for what needs all, and for what commander has to refuse. */
function commandIn(argv: readonly string[]): string | null {
  const word = firstWord(argv)
  return word !== null && !needsAll.includes(word) && Object.hasOwn(commands, word) ? word : null
}

/** People type the name of a runbook as if it were a command. */
function hintFor(argv: readonly string[]): string {
  const word = firstWord(argv)
  return word === null || word.startsWith('-') || Object.hasOwn(commands, word)
    ? 'hint: add --help to see the arguments and flags'
    : 'hint: add --help to see the commands; `runbook run NAME` starts a runbook, and `runbook list` has their names'
}

/** Behind the options of the program. */
function firstWord(argv: readonly string[]): string | null {
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? ''
    if (word === '--config' || word === '--trust') at += 1
    else if (!/^--(?:config|trust)=/.test(word)) return word
  }
  return null
}
