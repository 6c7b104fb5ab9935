import { shellWord } from '../../kernel/shell-quote.ts'
import { resolve } from 'node:path'
import { Option, type Command } from 'commander'
import { handlesIn } from '../../drivers/secrets.ts'
import type { Timers } from '../../drivers/timers.ts'
import { RunbookError } from '../../kernel/errors.ts'
import type { Json } from '../../kernel/json.ts'
import type { CliContext } from '../context.ts'
import { mustTakeOutput } from '../output-file.ts'

type Kind = Timers['kind']
type Chosen = { readonly with?: Kind }
type InstallFlags = Chosen & {
  readonly target?: string
  readonly metrics?: string
  readonly envFile?: string
}

export function scheduleCommand(program: Command, context: CliContext): void {
  const schedule = program
    .command('schedule')
    .description('let the machine watch the runs, and run the proofs that are due and the doctor')
  const kind = (): Option =>
    new Option('--with <kind>', 'which timers; left out: systemd where it runs, else cron').choices([
      'systemd',
      'cron',
    ])
  schedule
    .command('install')
    .description(
      'install the timers, or replace them: `watch` always, `drills run` every hour, `doctor` every day',
    )
    .addOption(kind())
    .option('--target <name>', 'proofs and doctor for this target only')
    .option('--metrics <file>', 'the doctor also writes this text file for Prometheus')
    .option('--env-file <file>', 'lines NAME=VALUE that the commands get, for secrets; keep it private')
    .action((flags: InstallFlags) => install(context, flags))
  schedule
    .command('show')
    .description('show the timers of this configuration')
    .addOption(kind())
    .action(async (flags: Chosen) => {
      const found = await withTimers(context, flags, (timers, prefix) => timers.installed(prefix))
      const { timersText } = await import('../../views/timers.ts')
      context.terminal.show(context.asTyped(timersText(found)))
    })
  schedule
    .command('remove')
    .description('remove the timers of this configuration')
    .addOption(kind())
    .action(async (flags: Chosen) => {
      const names = await withTimers(context, flags, async (timers, prefix) => {
        const found = (await timers.installed(prefix)).map(({ name }) => name)
        await timers.remove(found)
        return found
      })
      context.terminal.show(
        names.length === 0 ? 'No timers.\n' : names.map((name) => `removed ${name}\n`).join(''),
      )
      if (flags.with === 'cron' && names.some((name) => name.endsWith('-watch')))
        context.terminal.err(
          context.asTyped('note: cron leaves a watch that runs as it is; stop it with TERM\n'),
        )
    })
}

async function install(context: CliContext, flags: InstallFlags): Promise<void> {
  const { file, state, config } = await context.loaded()
  if (flags.target !== undefined) await context.target(flags.target)
  const [{ timersFor }, { ownProgram }] = await Promise.all([
    import('../scheduled.ts'),
    import('../package-root.ts'),
  ])
  const envFile = flags.envFile === undefined ? null : resolve(context.directory, flags.envFile)
  if (envFile !== null) await mustBeReadable(envFile)
  const metrics = flags.metrics === undefined ? null : resolve(context.directory, flags.metrics)
  if (metrics !== null) await mustTakeOutput(metrics)
  const timers = timersFor({
    file,
    state,
    environment: context.environment,
    // https://nodejs.org/api/cli.html#--env-fileconfig
    program: [process.execPath, ...(envFile === null ? [] : [`--env-file=${envFile}`]), ownProgram],
    target: flags.target ?? null,
    metrics,
  })
  const kind = await withTimers(context, flags, async (machine) => {
    await machine.install(timers)
    return machine.kind
  })
  const { installedText } = await import('../../views/timers.ts')
  context.terminal.show(installedText(timers, kind))
  const needed = [
    ...new Set(
      handlesIn(config.targets as unknown as Json).flatMap(({ from }) => ('env' in from ? [from.env] : [])),
    ),
  ]
  if (envFile === null && needed.length > 0)
    context.terminal.err(
      `warning: timers have no secrets of your shell, and the configuration reads ${needed.join(', ')}: write them into a private file and add --env-file FILE\n`,
    )
  if (kind === 'systemd' && process.getuid?.() !== 0)
    context.terminal.err(
      'note: timers of an account stop when its last login ends, unless it lingers: loginctl enable-linger\n',
    )
}

async function mustBeReadable(file: string): Promise<void> {
  const { access, constants } = await import('node:fs/promises')
  try {
    await access(file, constants.R_OK)
  } catch (thrown) {
    throw new RunbookError('usage', `cannot read ${file}, the file of --env-file`, {
      cause: thrown,
      hint: `check: ls -l ${shellWord(file)}`,
    })
  }
}

async function withTimers<T>(
  context: CliContext,
  flags: Chosen,
  work: (timers: Timers, prefix: string) => Promise<T>,
): Promise<T> {
  const { file } = await context.loaded()
  const [
    { timerPrefix },
    { shell },
    { systemdRuns, systemdTimers, unitFolder },
    { cronTimers },
    { doctorScope },
  ] = await Promise.all([
    import('../scheduled.ts'),
    import('../../adapters/process/shell.ts'),
    import('../../adapters/timers/systemd.ts'),
    import('../../adapters/timers/cron.ts'),
    import('../../run/readiness/examine.ts'),
  ])
  const kind = flags.with ?? (systemdRuns() ? 'systemd' : 'cron')
  const program = kind === 'cron' ? 'crontab' : 'systemctl'
  if ((await shell.which(program)) === null)
    throw new RunbookError('preflight', `no timers of ${kind} on this machine: ${program} not found`, {
      hint: 'install cron or systemd, or let any scheduler run `runbook watch --unless-running` every minute, `runbook drills run` every hour and `runbook doctor` every day',
    })
  const { scope, end } = doctorScope()
  try {
    const uid = process.getuid?.() ?? 0
    const timers =
      kind === 'cron'
        ? cronTimers({ shell, scope })
        : systemdTimers({
            shell,
            scope,
            folder: unitFolder(context.environment, uid),
            user: uid !== 0,
            environment: context.environment,
          })
    return await work(timers, timerPrefix(file))
  } finally {
    end()
  }
}
