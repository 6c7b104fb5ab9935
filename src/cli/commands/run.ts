import type { Command } from 'commander'
import { RunbookError } from '../../kernel/errors.ts'
import type { Json } from '../../kernel/json.ts'
import type { CliContext } from '../context.ts'
import { answersFrom } from '../duties.ts'
import { paramsFrom, runCommandFor, runHelp, type RunFlags } from '../flags.ts'

export function runCommand(program: Command, context: CliContext): void {
  program
    .command('run')
    .description('run a runbook; `runbook run NAME --help` shows its flags')
    .argument('[name]', 'the runbook')
    .argument('[flags...]', 'see `runbook run NAME --help`')
    .helpOption(false)
    .addHelpText('after', () => context.asTyped(runHelp()))
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (name: string | undefined, rest: readonly string[], _: unknown, command: Command) => {
      if (name === '--help' || name === '-h') return command.outputHelp()
      if (name === undefined || name.startsWith('-')) {
        throw new RunbookError('usage', 'no runbook given: type `runbook run NAME [flags]`', {
          hint: 'list them: runbook list',
        })
      }
      await runByName(context, command, name, rest)
    })
}

/** Runs a runbook with the flags that were typed after its name, and sets the exit code. */
export async function runByName(
  context: CliContext,
  command: Command,
  name: string,
  rest: readonly string[],
): Promise<void> {
  const { book } = await (await context.catalog()).find(name)
  const own = runCommandFor(book)
    .copyInheritedSettings(command)
    .helpOption('-h, --help', 'show this help')
    .allowExcessArguments(false)
  await context.maskSecretsOf(
    Object.values(book.about.params).map(({ fallback }) => (fallback ?? null) as Json),
  )
  own.parse([...rest], { from: 'user' })
  const flags = own.opts<RunFlags>()
  refuseLostDryRun(context.environment, flags)
  const params = paramsFrom(book, own.opts(), context.environment, { directory: context.directory })
  const [{ planOf }, { startRun }, { runSession }] = await Promise.all([
    import('../../model/plan.ts'),
    import('../../run/start.ts'),
    import('../session.ts'),
  ])
  const planned = planOf(book, await context.choose(book, flags.target), params)
  const options = {
    json: flags.json === true,
    confirm: flags.confirm ?? null,
    yes: flags.yes === true,
    answers: answersFrom(flags, planned),
    earlier: [],
  }
  await runSession(context, options, (runtime) =>
    startRun(runtime, {
      planned,
      mode: flags.dryRun === true ? 'dry-run' : 'run',
      story: flags.story ?? null,
      reason: context.recorded(flags.reason),
      ...(book.about.makesRoom === undefined ? {} : { makesRoom: book.about.makesRoom }),
    }),
  )
}

/**
 * npm takes flags before `--` as settings of its own and passes those to the program as variables, so a run that was
 * typed as a dry one would be real.
 * @throws RunbookError `usage`
 */
function refuseLostDryRun(environment: CliContext['environment'], { dryRun }: RunFlags): void {
  if (environment['npm_config_dry_run'] !== 'true' || dryRun === true) return
  throw new RunbookError('usage', 'npm took --dry-run for itself, so this run would be a real one', {
    hint: 'put -- before the program: npm exec -- runbook run NAME --dry-run',
  })
}
