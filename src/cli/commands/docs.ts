import { writeFile } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import type { Command } from 'commander'
import { fallbacksOf } from '../../model/runbook.ts'
import type { Target } from '../../model/target.ts'
import { paramLines } from '../../views/params.ts'
import type { CatalogEntry } from '../catalog.ts'
import { lacking, type CliContext } from '../context.ts'
import { writeOutput } from '../output-file.ts'

export function docsCommand(program: Command, context: CliContext): void {
  program
    .command('docs')
    .description(
      'write the printable document of every runbook and target, to have at hand when nothing runs',
    )
    .requiredOption('--out <folder>', 'the folder to write to; files of the same name are replaced')
    .option('--target <name>', 'for this target only')
    .action(async ({ out, target: named }: { readonly out: string; readonly target?: string }) => {
      const entries = await (await context.catalog()).all()
      const targets = named === undefined ? await context.targets() : [await context.target(named)]
      const files = await Promise.all(targets.map((target) => documentsOf(context, entries, target)))
      const { indexOf } = await import('../../views/docs-index.ts')
      const index = indexOf(targets.map((target, at) => ({ target, documents: files[at] ?? [] })))
      const folder = resolve(context.directory, out)
      // Everything is planned before anything is written.
      for (const { path, text } of [...files.flat(), { path: 'README.md', text: index }]) {
        const file = join(folder, path)
        await writeOutput(file, () => writeFile(file, context.asTyped(text)))
      }
      const count = files.flat().length
      context.terminal.show(
        `Wrote ${count} ${count === 1 ? 'document' : 'documents'} and their index: ${join(relative(context.directory, folder) || '.', 'README.md')}\n`,
      )
    })
}

async function documentsOf(context: CliContext, entries: readonly CatalogEntry[], target: Target) {
  const [{ planOf }, { planMarkdown }] = await Promise.all([
    import('../../model/plan.ts'),
    import('../../views/plan-markdown.ts'),
  ])
  return entries
    .filter(({ book }) => lacking(book, target).length === 0)
    .map(({ book, file, from }) => {
      const { plan, params, when } = context.masked({
        plan: planOf(book, target, fallbacksOf(book)).plan,
        params: paramLines(book.about.params),
        when: book.about.when,
      })
      const origin =
        from === 'package' ? `included in runbook ${context.version}` : relative(context.directory, file)
      return {
        path: `${target.name}/${book.name}.md`,
        name: book.name,
        when,
        text: planMarkdown(plan, params, origin),
      }
    })
}
