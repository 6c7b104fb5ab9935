import type { Command } from 'commander'
import { RunbookError } from '../../kernel/errors.ts'
import { planOf } from '../../model/plan.ts'
import { startRun } from '../../run/start.ts'
import type { CliContext } from '../context.ts'
import { answersFrom } from '../duties.ts'
import { paramsFrom, runCommandFor, type RunFlags } from '../flags.ts'
import { runSession } from '../session.ts'

export function runCommand(program: Command, desk: CliContext): void {
  program
    .command('run')
    .description("carry a runbook out; `runbook run NAME --help` shows the runbook's own flags")
    .argument('[name]', 'the runbook')
    .argument('[flags...]', 'as `runbook run NAME --help` shows them')
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (name: string | undefined, rest: readonly string[], _: unknown, command: Command) => {
      if (name === '--help' || name === '-h') return command.outputHelp()
      if (name === undefined || name.startsWith('-')) {
        throw new RunbookError('usage', 'which runbook? Its name comes first: runbook run NAME [flags]', {
          hint: '`runbook list` shows them',
        })
      }
      const { book } = await (await desk.shelf()).find(name)
      const own = runCommandFor(book)
        .copyInheritedSettings(command)
        .helpOption('-h, --help', 'show this help')
        .allowExcessArguments(false)
      own.parse([...rest], { from: 'user' })
      const flags = own.opts<RunFlags>()
      const params = paramsFrom(book, own.opts(), desk.environment, { directory: desk.directory })
      const planned = planOf(book, await desk.choose(book, flags.target), params)
      const manner = {
        json: flags.json === true,
        confirm: flags.confirm ?? null,
        yes: flags.yes === true,
        answers: answersFrom(flags, planned),
        earlier: [],
      }
      await runSession(desk, manner, (around) =>
        startRun(around, {
          planned,
          mode: flags.dryRun === true ? 'dry-run' : 'run',
          story: flags.story ?? null,
          reason: desk.recorded(flags.reason),
        }),
      )
    })
}
