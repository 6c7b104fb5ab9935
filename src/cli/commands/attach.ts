import type { Command } from 'commander'
import { systemClock } from '../../kernel/clock.ts'
import { RunbookError } from '../../kernel/errors.ts'
import type { Plan } from '../../model/plan.ts'
import { isOpen } from '../../run/journal/journal.ts'
import type { OpenRun } from '../../views/status.ts'
import type { CliContext } from '../context.ts'
import { chosenRun, readJournal } from '../journal.ts'

/** How much of the output that is already there is shown, of the step in progress. Bytes. */
const tailBytes = 8 << 10

/** Between two looks at the logs. */
const everyMilliseconds = 500

export function attachCommand(program: Command, context: CliContext): void {
  program
    .command('attach')
    .description('show the output of the steps of a running run, from any terminal, until it has ended')
    .argument('[id]', 'run id, or a unique prefix or suffix of it; optional if exactly one run is open')
    .action(async (id: string | undefined) => {
      const [{ LogFollower }, { OpenRuns }, { isRunning }, { reportEnd }, { poll }] = await Promise.all([
        import('../../adapters/evidence/follow.ts'),
        import('../open-runs.ts'),
        import('../../views/status.ts'),
        import('../watch-runs.ts'),
        import('../poll.ts'),
      ])
      await readJournal(context, async (journal) => {
        const run = await chosenRun(journal, id, 'back', (text) => context.terminal.err(text))
        const line = (await journal.runs({ id: run })).find((one) => one.run === run)
        if (line === undefined || !isOpen(line))
          throw new RunbookError('usage', `cannot attach to ${run}: it has ended`, {
            hint: 'list the runs: runbook history',
          })
        const readOpen = new OpenRuns(journal)
        const first = await readOpen.read(line)
        const { plan, opened } = first.state
        const logs = new LogFollower(opened.evidence)
        const print = await printerFor(context, plan)
        const seen = await poll({
          clock: systemClock,
          milliseconds: everyMilliseconds,
          // The logs are read last, so that the last look has all of them.
          look: async () => {
            const open = await readOpen.read(line)
            return { open, grown: await logs.grown((log) => (isOf(open, log) ? tailBytes : 0)) }
          },
          show: ({ grown }) => grown.forEach(print),
          goesOn: ({ open }) => isRunning(open),
        })
        await reportEnd(context, journal, [seen.open], false)
      })
    })
}

/** Whether the log is that of a step in progress. */
function isOf({ state, next }: OpenRun, log: string): boolean {
  const step = state.plan.steps[Number(/^\d+/.exec(log)?.[0]) - 1]
  if (step === undefined) return false
  const now = state.steps.get(step.id)
  return step.id === next || now?.status === 'doubt' || now?.undo === 'doubt'
}

type Grown = { readonly log: string; readonly bytes: Uint8Array; readonly leftOut: number }

/** Lines under the title of their step, which is repeated when another step has written in between. */
async function printerFor(context: CliContext, plan: Plan): Promise<(grown: Grown) => void> {
  const [{ Tail }, { titleOfLog }] = await Promise.all([
    import('../../conduct/tail.ts'),
    import('../../views/log-lines.ts'),
  ])
  const tails = new Map<string, InstanceType<typeof Tail>>()
  let shown = ''
  return ({ log, bytes, leftOut }) => {
    const tail = tails.get(log) ?? new Tail(Number.POSITIVE_INFINITY)
    tails.set(log, tail)
    const lines = [...(leftOut > 0 ? [`(${leftOut} bytes left out)`] : []), ...tail.push(bytes)]
    if (lines.length === 0) return
    if (shown !== log) context.terminal.out(`${titleOfLog(log, plan)}\n`)
    shown = log
    for (const line of lines) context.terminal.out(`  ${line}\n`)
  }
}
