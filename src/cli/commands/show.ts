import { relative } from 'node:path'
import { Option, type Command } from 'commander'
import { planOf } from '../../model/plan.ts'
import { paramLines } from '../../views/params.ts'
import { planMarkdown } from '../../views/plan-markdown.ts'
import { planMermaid } from '../../views/plan-mermaid.ts'
import { planText } from '../../views/plan-text.ts'
import type { CliContext } from '../context.ts'

export function showCommand(program: Command, desk: CliContext): void {
  program
    .command('show')
    .description('show what a runbook would do, step by step; looks at nothing and needs nothing running')
    .argument('<name>', 'the runbook')
    .option('--target <name>', 'the target to plan for')
    .addOption(
      new Option('--format <format>', 'how to write it')
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
        const shelf = await desk.shelf()
        const shelved = await shelf.find(name)
        const { book } = shelved
        const { plan } = planOf(book, await desk.choose(book, target), {})
        const params = paramLines(book.about.params)
        const origin =
          shelved.from === 'package'
            ? `comes with runbook ${desk.version}`
            : (await shelf.standsIn(shelved))
              ? `${relative(desk.directory, shelved.file)}, used instead of the one that comes with runbook`
              : null
        const texts = {
          text: () => planText(plan, params, origin),
          markdown: () => planMarkdown(plan, params, origin),
          mermaid: () => planMermaid(plan, params),
          json: () => `${JSON.stringify(plan, null, 2)}\n`,
        }
        desk.terminal.out(texts[format]())
      },
    )
}
