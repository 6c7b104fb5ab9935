import { Option, type Command } from 'commander'
import { RunbookError, exits } from '../../kernel/errors.ts'
import type { CliContext } from '../context.ts'

export function helpCommand(program: Command, context: CliContext): void {
  program
    .command('help')
    .description('show help for a command, `help exit-codes`, or `help config [SECTION]`')
    .argument('[topic...]', 'a command, exit-codes, or config and optionally a section')
    .addOption(new Option('--format <format>', 'format of the help on config').choices(['text', 'markdown']))
    .action(async (topic: readonly string[], { format }: { readonly format?: 'text' | 'markdown' }) => {
      if (topic[0] === 'config' && topic.length <= 2) {
        // Imported only here, because it loads every schema.
        const { configHelp } = await import('./help-config.ts')
        const screen = format === 'markdown' ? null : { width: context.terminal.width() }
        // As it is: its examples are source text.
        context.terminal.out(context.asTyped(await configHelp(topic[1], screen)))
        return
      }
      if (format !== undefined) {
        throw new RunbookError('usage', '--format applies only to `runbook help config`', {
          hint: 'remove it, or type: runbook help config --format markdown',
        })
      }
      if (topic.join(' ') === 'exit-codes') {
        context.terminal.show(
          `${Object.values(exits)
            .map(({ exit, means }) => `${String(exit).padStart(3)}  ${means}`)
            .join('\n')}\n`,
        )
        return
      }
      const command = topic.reduce<Command | undefined>(
        (within, name) => within?.commands.find((one) => one.name() === name),
        program,
      )
      if (command === undefined)
        throw new RunbookError('usage', `help topic "${topic.join(' ')}" not found`, {
          hint: 'try `runbook help`, `runbook help config` or `runbook help exit-codes`',
        })
      command.outputHelp()
    })
}
