import { relative } from 'node:path'
import { Option, type Command } from 'commander'
import type { Plan } from '../../model/plan.ts'
import { fallbacksOf } from '../../model/runbook.ts'
import { paramLines } from '../../views/params.ts'
import type { CliContext } from '../context.ts'
import { readJournal } from '../journal.ts'

export function showCommand(program: Command, context: CliContext): void {
  program
    .command('show')
    .description('show what a runbook would do, step by step, without inspecting the target')
    .argument('<name>', 'the runbook')
    .showHelpAfterError('hint: `runbook list` lists the runbooks; add --help to see the arguments and flags')
    .option('--target <name>', 'the target to plan for')
    .addOption(
      new Option('--format <format>', 'output format')
        .choices(['text', 'markdown', 'mermaid', 'json'])
        .default('text'),
    )
    .action(
      async (
        name: string,
        {
          target,
          format,
        }: { readonly target?: string; readonly format: 'text' | 'markdown' | 'mermaid' | 'json' },
      ) => {
        const catalog = await context.catalog()
        const entry = await catalog.find(name)
        const { book } = entry
        const [{ planOf }, { planMarkdown }, { planMermaid }, { planText }] = await Promise.all([
          import('../../model/plan.ts'),
          import('../../views/plan-markdown.ts'),
          import('../../views/plan-mermaid.ts'),
          import('../../views/plan-text.ts'),
        ])
        const planned = planOf(book, await context.choose(book, target), fallbacksOf(book))
        const past = format === 'text' || format === 'markdown' ? await pastOf(context, planned.plan) : []
        const { plan, params } = context.masked({
          plan: planned.plan,
          params: paramLines(book.about.params),
        })
        const origin =
          entry.from === 'package'
            ? `included in runbook ${context.version}`
            : (await catalog.overridesPackaged(entry))
              ? `${relative(context.directory, entry.file)}, used instead of the one included in runbook`
              : null
        const texts = {
          text: () => planText(plan, params, { origin, past, width: context.terminal.width() }),
          markdown: () => planMarkdown(plan, params, origin, past),
          mermaid: () => planMermaid(plan, params),
          json: () => `${JSON.stringify(plan, null, 2)}\n`,
        }
        if (format === 'text') context.terminal.show(texts.text())
        else context.terminal.out(texts[format]())
      },
    )
}

/** How long its latest successful runs took. A plan can be shown without a journal that can be read. */
async function pastOf(context: CliContext, plan: Plan): Promise<readonly number[]> {
  const { pastSeconds } = await import('../../run/record/durations.ts')
  return readJournal(context, (journal) => pastSeconds(journal, plan)).catch(() => [])
}
