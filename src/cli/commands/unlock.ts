import type { Command } from 'commander'
import { RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { isOpen, isUnsealed } from '../../run/journal/journal.ts'
import { holderOf, leaseOf } from '../../run/journal/leases.ts'
import { stateOf } from '../../run/journal/state.ts'
import type { CliContext } from '../context.ts'
import { findRun, readJournal } from '../journal.ts'
import { partName, type Locks } from '../../drivers/locks.ts'
import type { Stored } from '../../run/journal/entry.ts'

/**
 * Ends the locks of the run that live elsewhere, so that others need not wait for the process that hangs.
 * Those that stay are reported: the run is closed in any case.
 */
async function evict(context: CliContext, locks: Locks, entries: readonly Stored[]): Promise<void> {
  const [{ lockPartsOf }, { replan }] = await Promise.all([
    import('../../run/engine/lock-parts.ts'),
    import('../../run/replan.ts'),
  ])
  const { plan, opened } = stateOf(entries)
  const run = entries[0]?.run ?? ''
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
    .showHelpAfterError(
      'hint: `runbook status` lists the open runs; add --help to see the arguments and flags',
    )
    .requiredOption('--reason <text>', 'why; recorded in the journal')
    .option(
      '--force',
      'also if a process still runs it: that process can no longer write, but what it started may still act',
    )
    .action(async (id: string, { reason, force }: Flags) => {
      if (reason.trim() === '')
        throw new RunbookError('usage', `cannot close ${id} without a reason: --reason is blank`, {
          hint: 'say why; it is recorded in the evidence',
        })
      const { line, entries, holding } = await readJournal(context, async (journal) => {
        const line = await findRun(journal, id)
        // A damaged run is released too.
        const entries = await journal.read(line.run).catch(() => null)
        await context.maskSecretsOf(entries === null ? null : stateOf(entries).plan)
        return { line, entries, holding: await holderOf(journal, line) }
      })
      if (!isOpen(line))
        throw new RunbookError('usage', `run ${line.run} is not open`, {
          hint: isUnsealed(line)
            ? `seal its evidence: runbook resume ${line.run}`
            : 'list the open runs: runbook status',
        })
      if (holding !== null && force !== true) {
        const { by: owner, host, pid, since } = holding.holder
        throw new RunbookError(
          'held',
          `run ${line.run} is in progress: held by ${owner} on ${host}, pid ${pid}, since ${since}`,
          {
            hint: `stop it there with Ctrl-C; if it hangs, \`kill -9 ${pid}\` on ${host} and then \`runbook rollback ${line.run}\`; if it cannot be killed, take over its lock with \`runbook unlock ${line.run} --reason TEXT --force\``,
          },
        )
      }
      const { closingText } = await import('../../views/unlock.ts')
      context.terminal.show(context.asTyped(closingText(line.run, entries)))
      const [{ wire }, { release }] = await Promise.all([
        import('../wire.ts'),
        import('../../run/release.ts'),
      ])
      const engine = await wire(
        await context.loaded(),
        context.terminal,
        context.version,
        { json: false, confirm: null, yes: false, answers: {}, earlier: [] },
        (text) => context.asTyped(text),
      )
      try {
        const problem = await release(engine.runtime, {
          run: line.run,
          // Of a damaged run without a process the lease does not matter: its chain is broken anyway.
          lease: holding?.lease ?? (entries === null ? line.system : leaseOf(stateOf(entries).opened)),
          reason: context.recorded(reason) ?? '',
          takeOver: holding !== null,
        })
        if (holding !== null) await evict(context, engine.runtime.locks, await engine.journal.read(line.run))
        context.terminal.show(`Closed ${line.run}. Its changes on ${line.target} stay as they are.\n`)
        context.terminal.show(
          context.asTyped(`What is wrong there now:  runbook doctor --target ${shellWord(line.target)}\n`),
        )
        if (problem !== null)
          context.terminal.err(context.asTyped(`warning: its evidence is not sealed: ${problem}\n`))
      } finally {
        await engine.journal.close()
      }
    })
}
