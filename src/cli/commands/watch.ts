import { Option, type Command } from 'commander'
import { RunbookError } from '../../kernel/errors.ts'
import type { Plan } from '../../model/plan.ts'
import type { Target } from '../../model/target.ts'
import type { CliContext } from '../context.ts'

type Flags = { readonly once?: true; readonly unlessRunning?: true }

/** Between two looks, in milliseconds: what died is found within 10 s. */
const pause = 5_000

export function watchCommand(program: Command, context: CliContext): void {
  program
    .command('watch')
    .description(
      'find runs whose process died, tell the operators, and do what `watch` of the target says; runs until it is stopped',
    )
    .option('--once', 'look once and end')
    .addOption(new Option('--unless-running', 'end at once, without an error, if another watch runs'))
    .action((flags: Flags) => watch(context, flags))
}

async function watch(context: CliContext, { once, unlessRunning }: Flags): Promise<void> {
  const [
    { openJournal },
    { thisProcess },
    { systemClock },
    { Watcher },
    { channelsIn },
    { withSurroundings },
    { doctorScope },
    { continueRun },
    { sha256 },
  ] = await Promise.all([
    import('../../adapters/journal/open.ts'),
    import('../../adapters/journal/process-identity.ts'),
    import('../../kernel/clock.ts'),
    import('../../run/watch.ts'),
    import('../../run/engine/announce.ts'),
    import('../examination.ts'),
    import('../../run/readiness/examine.ts'),
    import('../continuation.ts'),
    import('../../kernel/json.ts'),
  ])
  const { state, file } = await context.loaded()
  const journal = await openJournal(state)
  const identity = thisProcess('runbook watch')
  const clock = systemClock
  const stop = new AbortController()
  const ask = (): void => stop.abort()
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  try {
    // One watch per configuration; another one would send everything twice.
    const lease = await journal
      .hold(`watch-${sha256(file).slice(0, 12)}`, {
        ...identity,
        run: 'watch',
        since: clock.now().toISOString(),
      })
      .catch((thrown: unknown) => {
        if (thrown instanceof RunbookError && thrown.code === 'held') return null
        throw thrown
      })
    if (lease === null) {
      if (unlessRunning === true) return
      throw new RunbookError('held', `another watch of ${file} runs on this machine`, {
        hint: 'stop it, or leave it; it looks at all targets of the configuration',
      })
    }
    for (const signal of signals) process.on(signal, ask)
    try {
      await withSurroundings(context, null, async (around) => {
        const watcher = new Watcher({
          journal,
          clock,
          mask: around.mask,
          identity,
          drivers: (signal) => around.drivers({ ...doctorScope().scope, signal }),
          targetOf: async (plan) => {
            await context.maskSecretsOf(plan)
            const { watch: policy, operators } = await targetOf(context, plan)
            return {
              watch: policy ?? { policy: 'tell', afterSeconds: 0 },
              operators: operators ?? null,
              channels: channelsIn(operators === undefined ? {} : { operators }),
            }
          },
          continueRun: async (run, way, quiet) => {
            const result = await continueRun(context, run, way, { quiet })
            // That of the run; the watch goes on.
            process.exitCode = 0
            return result
          },
          asTyped: (text) => context.asTyped(text),
          say: (text) => context.terminal.err(`${clock.now().toISOString()} ${context.asTyped(text)}\n`),
        })
        while (!stop.signal.aborted) {
          await watcher.look(stop.signal)
          if (once === true) break
          await clock.sleep(pause, stop.signal).catch(() => undefined)
        }
      })
    } finally {
      for (const signal of signals) process.off(signal, ask)
      await lease.release()
    }
  } finally {
    await journal.close()
  }
}

/** Today's, or as it was when the run began where the configuration no longer has it. */
async function targetOf(context: CliContext, plan: Plan): Promise<Pick<Target, 'watch' | 'operators'>> {
  try {
    return await context.target(String(plan.target['name']))
  } catch (thrown) {
    if (!(thrown instanceof RunbookError)) throw thrown
    return plan.target as Pick<Target, 'watch' | 'operators'>
  }
}
