import { hostname } from 'node:os'
import type { Command } from 'commander'
import { RunbookError } from '../../kernel/errors.ts'
import { isOpen } from '../../run/journal/journal.ts'
import type { CliContext } from '../context.ts'
import { lineOf } from '../journal.ts'

type Flags = { readonly reason: string; readonly force?: true }

export function unlockCommand(program: Command, desk: CliContext): void {
  program
    .command('unlock')
    .description(
      'close an open run that the program cannot settle, so that its target is free again; nothing is undone',
    )
    .argument('<id>', 'the run, or the beginning or end of its name')
    .requiredOption('--reason <text>', 'why; kept in the journal')
    .option(
      '--force',
      'also where the run is still being carried: its process can write nothing any more, and what it began may still act',
    )
    .action(async (id: string, { reason, force }: Flags) => {
      const [{ openJournal }, { thisProcess }, { whoAnswers }, { systemClock }] = await Promise.all([
        import('../../adapters/journal/open.ts'),
        import('../../adapters/journal/process-identity.ts'),
        import('../../adapters/terminal/people.ts'),
        import('../../kernel/clock.ts'),
      ])
      const journal = await openJournal((await desk.loaded()).state)
      try {
        const line = lineOf(await journal.runs(), id)
        if (!isOpen(line))
          throw new RunbookError('usage', `${line.run} is not open`, {
            hint: '`runbook status` shows the open runs',
          })
        const by = whoAnswers(desk.environment)
        const holder = {
          ...thisProcess(by),
          host: hostname(),
          run: line.run,
          since: systemClock.now().toISOString(),
        }
        const living = await journal.holder(line.system)
        if (living !== null && force !== true) {
          throw new RunbookError(
            'held',
            `${line.run} is being carried right now by ${living.by} on ${living.host}, pid ${living.pid}, since ${living.since}`,
            {
              hint: `end it there with Ctrl-C; if it hangs, kill it, or take the target from it with \`runbook unlock ${line.run} --reason … --force\``,
            },
          )
        }
        const hold = await (living === null
          ? journal.hold(line.system, holder)
          : journal.takeOver(line.system, holder))
        try {
          await journal.append(hold, line.run, {
            type: 'released',
            by,
            reason: desk.terminal.redactor.text(reason),
          })
        } finally {
          await hold.release()
        }
        desk.terminal.out(
          `Closed ${line.run}. Whatever it had changed on ${line.target} is as it was left.\n`,
        )
      } finally {
        await journal.close()
      }
    })
}
