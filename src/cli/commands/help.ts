import type { Command } from 'commander'
import { RunbookError, exits } from '../../kernel/errors.ts'
import type { CliContext } from '../context.ts'

export function helpCommand(program: Command, desk: CliContext): void {
  program
    .command('help')
    .description('show help for a command, or `help exit-codes`')
    .argument('[topic...]', 'a command, or exit-codes')
    .action((topic: readonly string[]) => {
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
          hint: 'try `runbook help` or `runbook help exit-codes`',
        })
      about.outputHelp()
    })
}
