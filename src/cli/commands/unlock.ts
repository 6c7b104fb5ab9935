import { hostname } from 'node:os'
import type { Command } from 'commander'
import { RunbookError } from '../../kernel/errors.ts'
import { isOpen } from '../../run/journal/journal.ts'
import type { CliContext } from '../context.ts'
import { findRun } from '../journal.ts'

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
            reason: context.terminal.redactor.text(context.recorded(reason) ?? ''),
          })
        } finally {
          await lease.release()
        }
        context.terminal.out(`Closed ${line.run}. Its changes on ${line.target} stay as they are.\n`)
      } finally {
        await journal.close()
      }
    })
}
