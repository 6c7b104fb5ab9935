import { Option, type Command } from 'commander'
import { RunbookError, exits } from '../../kernel/errors.ts'
import type { CliContext } from '../context.ts'

export function helpCommand(program: Command, desk: CliContext): void {
  program
    .command('help')
    .description('show help for a command, `help exit-codes`, or `help config [SECTION]`')
    .argument('[topic...]', 'a command, exit-codes, or config and a section of a target')
    .addOption(
      new Option('--format <format>', 'how to write the help on config').choices(['text', 'markdown']),
    )
    .action(async (topic: readonly string[], { format }: { readonly format?: 'text' | 'markdown' }) => {
      if (topic[0] === 'config' && topic.length <= 2) {
        // Imported only here, because it loads every schema.
        const { configHelp } = await import('./help-config.ts')
        desk.terminal.out(desk.asTyped(await configHelp(topic[1], format ?? 'text')))
        return
      }
      if (format !== undefined) {
        throw new RunbookError('usage', '--format is for `runbook help config` alone', {
          hint: 'leave it out, or ask for `runbook help config --format markdown`',
        })
      }
      if (topic.join(' ') === 'exit-codes') {
        desk.terminal.out(
          `${Object.values(exits)
            .map(({ exit, means }) => `${String(exit).padStart(3)}  ${means}`)
            .join('\n')}\n`,
        )
        return
      }
      const about = topic.reduce<Command | undefined>(
        (within, name) => within?.commands.find((command) => command.name() === name),
        program,
      )
      if (about === undefined)
        throw new RunbookError('usage', `there is no help on "${topic.join(' ')}"`, {
          hint: 'try `runbook help`, `runbook help config` or `runbook help exit-codes`',
        })
      about.outputHelp()
    })
}
