import { hostname } from 'node:os'
import type { Command } from 'commander'
import { RunbookError } from '../../kernel/errors.ts'
import { isOpen } from '../../run/journal/journal.ts'
import type { CliContext } from '../context.ts'
import { findRun } from '../journal.ts'
import { partName } from '../../drivers/locks.ts'
import { lockPartsOf } from '../../run/engine/lock-parts.ts'
import type { Stored } from '../../run/journal/entry.ts'
import { stateOf } from '../../run/journal/state.ts'
import { replan } from '../../run/replan.ts'

/**
 * Ends the locks of the run that live elsewhere, so that others need not wait for the process that hangs.
 * Those that stay are reported: the run is closed in any case.
 */
async function evict(context: CliContext, entries: readonly Stored[]): Promise<void> {
  const [{ locksFor }, { systemClock }] = await Promise.all([
    import('../locks.ts'),
    import('../../kernel/clock.ts'),
  ])
  const { plan, opened } = stateOf(entries)
  const run = entries[0]?.run ?? ''
  const locks = locksFor({
    clock: systemClock,
    register: (secret) => context.terminal.redactor.add(secret),
    environment: context.environment,
  })
  // Today's plan has the addresses, which the stored one may mask; without it the stored one is tried.
  const current = await replan(context, plan).then(
    ({ planned }) => planned.plan,
    () => plan,
  )
  for (const part of lockPartsOf(current)) {
    if (await locks.evict(part, run)) continue
    context.terminal.err(
      `The lock on ${partName(part)} stays until the process of ${opened.by} on ${opened.host} ends.\n`,
    )
  }
}

type Flags = { readonly reason: string; readonly force?: true }

export function unlockCommand(program: Command, context: CliContext): void {
  program
    .command('unlock')
    .description(
      'close an open run that the program cannot settle, so that its target is free again; nothing is undone',
    )
    .argument('<id>', 'run id, or a unique prefix or suffix of it')
    .requiredOption('--reason <text>', 'why; recorded in the journal')
    .option(
      '--force',
      'also if a process still runs it: that process can no longer write, but what it started may still act',
    )
    .action(async (id: string, { reason, force }: Flags) => {
      const [{ openJournal }, { thisProcess }, { whoAnswers }, { systemClock }] = await Promise.all([
        import('../../adapters/journal/open.ts'),
        import('../../adapters/journal/process-identity.ts'),
        import('../../adapters/terminal/people.ts'),
        import('../../kernel/clock.ts'),
      ])
      const journal = await openJournal((await context.loaded()).state)
      try {
        const line = findRun(await journal.runs(), id)
        if (!isOpen(line))
          throw new RunbookError('usage', `run ${line.run} is not open`, {
            hint: 'list the open runs: runbook status',
          })
        const by = whoAnswers(context.environment)
        const holder = {
          ...thisProcess(by),
          host: hostname(),
          run: line.run,
          since: systemClock.now().toISOString(),
        }
        const holding = await journal.holder(line.system)
        if (holding !== null && force !== true) {
          const { by: owner, host, pid, since } = holding
          throw new RunbookError(
            'held',
            `run ${line.run} is in progress: held by ${owner} on ${host}, pid ${pid}, since ${since}`,
            {
              hint: `stop it there with Ctrl-C; if it hangs, kill it, or take over its lock with \`runbook unlock ${line.run} --reason … --force\``,
            },
          )
        }
        const lease = await (holding === null
          ? journal.hold(line.system, holder)
          : journal.takeOver(line.system, holder))
        try {
          await journal.append(lease, line.run, {
            type: 'released',
            by,
            reason: context.terminal.redactor.text(reason),
          })
        } finally {
          await lease.release()
        }
        if (holding !== null) await evict(context, await journal.read(line.run))
        context.terminal.out(`Closed ${line.run}. Its changes on ${line.target} stay as they are.\n`)
      } finally {
        await journal.close()
      }
    })
}
