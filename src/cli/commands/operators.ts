import type { Command } from 'commander'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import type { Target } from '../../model/target.ts'
import type { CliContext } from '../context.ts'

type Flags = { readonly target?: string; readonly json?: true }

/** The longest time for one channel, in seconds: as for a run. */
const longest = 5

export function operatorsCommand(program: Command, context: CliContext): void {
  program
    .command('operators')
    .description('the people who get news of runs, and the channels on which they get them')
    .command('test')
    .description('send a test message on every channel of the targets, and say what came of it')
    .option('--target <name>', 'of this target only')
    .option('--json', 'print one JSON object per line')
    .action((flags: Flags) => test(context, flags))
}

async function test(context: CliContext, { target: named, json }: Flags): Promise<void> {
  const [
    { channelsIn },
    { deliver },
    { doctorScope },
    { withSurroundings },
    { systemRandomness, shortName },
  ] = await Promise.all([
    import('../../run/engine/announce.ts'),
    import('../../run/engine/deliver.ts'),
    import('../../run/readiness/examine.ts'),
    import('../examination.ts'),
    import('../../kernel/randomness.ts'),
  ])
  const targets = named === undefined ? await context.targets() : [await context.target(named)]
  const all = targets.flatMap((target) =>
    channelsIn(target).map((channel) => ({ target: target.name, channel })),
  )
  if (all.length === 0)
    throw cannot('send a test message', 'to the operators', 'no channel is configured', {
      code: 'usage',
      hint: 'add `news` or `announce` to `operators` of a target; see: runbook help config operators',
    })
  const run = `test-${shortName(systemRandomness)}`
  const results = await withSurroundings(context, null, (around) =>
    Promise.all(
      all.map(async ({ target, channel }) => {
        const sending = {
          clock: around.clock,
          mask: around.mask,
          drivers: (signal: AbortSignal) => around.drivers({ ...doctorScope().scope, signal }),
        }
        const problem = await deliver(sending, channel, testOf(target, run), longest)
        return { target, channel: channel.name, by: channel.by, problem }
      }),
    ),
  )
  if (json === true) for (const one of results) context.json({ event: 'channel', ...one })
  else {
    const { channelsText } = await import('../../views/channels.ts')
    context.terminal.show(channelsText(results))
  }
  const lost = results.filter(({ problem }) => problem !== null)
  if (lost.length > 0)
    throw new RunbookError(
      'preflight',
      `${lost.length} of ${results.length} channels did not accept the test message: ${lost.map(({ channel }) => channel).join(', ')}`,
      { hint: 'fix the channels named above, then test again: runbook operators test' },
    )
}

const testOf = (target: Target['name'], run: string) => ({
  key: `${run}/test`,
  words: {
    text: `This is a test of the news about ${target}. Nothing happened, and nothing has to be done.`,
    title: `Test: runbook on ${target}`,
    run,
    runbook: 'operators test',
    target,
    story: '',
    reason: 'test',
    by: 'runbook operators test',
  },
})
