import { Argument, type Command } from 'commander'
import { isOpen, type RunFilter, type RunSummary } from '../../run/journal/journal.ts'
import { oneLine } from '../../kernel/sanitize.ts'
import type { Candidate, Names } from '../completion.ts'
import type { Shell } from '../completion-scripts.ts'
import type { CliContext } from '../context.ts'
import { readJournal } from '../journal.ts'

export function completionCommand(program: Command, context: CliContext): void {
  program
    .command('completion')
    .description('print a script for a shell, which then completes commands, flags and names')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish']))
    .argument('[words...]', 'what that script asks: the words typed so far, after --')
    .action(async (shell: Shell, words: readonly string[]) => {
      const [{ candidates, wordsOfBash }, { scripts }] = await Promise.all([
        import('../completion.ts'),
        import('../completion-scripts.ts'),
      ])
      if (words.length === 0) return context.terminal.out(scripts[shell])
      const { words: meant, kept } = shell === 'bash' ? wordsOfBash(words) : { words, kept: 0 }
      const config = meant.indexOf('--config')
      if (config >= 0 && config < meant.length - 2) program.setOptionValue('config', meant[config + 1])
      const found = await candidates(program, meant, namesFor(context))
      for (const { value, about } of found)
        context.terminal.out(`${value.slice(kept)}\t${oneLine(about.split('\n', 1)[0] ?? '')}\n`)
    })
}

/** The names that are known here. An error is no candidate: the command itself will report it. */
function namesFor(context: CliContext): Names {
  const orNone = (look: () => Promise<readonly Candidate[]>) => () => look().catch(() => [])
  const runs = (among: RunFilter, wanted: (run: RunSummary) => boolean = () => true) =>
    orNone(() =>
      readJournal(context, async (journal) =>
        (await journal.runs(among)).filter(wanted).map(({ run, runbook, target, startedAt }) => ({
          value: run,
          about: `${runbook} on ${target}, ${startedAt}`,
        })),
      ),
    )
  return {
    targets: orNone(async () =>
      Object.entries((await context.loaded()).config.targets).map(([value, { title }]) => ({
        value,
        about: title ?? '',
      })),
    ),
    runbooks: orNone(async () =>
      (await (await context.catalog()).listed()).map(({ name, title }) => ({
        value: name,
        about: title,
      })),
    ),
    openRuns: runs({ pending: true }, isOpen),
    runs: runs({}),
    sections: orNone(async () => {
      const { sections } = await import('../../sections/index.ts')
      return Object.entries(sections).map(([value, { about }]) => ({ value, about }))
    }),
    async commandOf(name) {
      const [{ runCommandFor }, { Command: Empty }] = await Promise.all([
        import('../flags.ts'),
        import('commander'),
      ])
      return context
        .runbook(name)
        .then(runCommandFor)
        .catch(() => new Empty(name))
    },
  }
}
