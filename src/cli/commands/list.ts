import type { Command } from 'commander'
import { listText, type Listed } from '../../views/list.ts'
import { lacking, type Desk } from '../desk.ts'

export function listCommand(program: Command, desk: Desk): void {
  program
    .command('list')
    .description('show the runbooks, when to use each, and which targets it fits')
    .option('--json', 'print one JSON object a line')
    .action(async ({ json }: { readonly json?: true }) => {
      const [shelved, targets] = await Promise.all([desk.shelf().then((shelf) => shelf.all()), desk.targets()])
      const listed: readonly Listed[] = shelved.map(({ book, from }) => ({
        name: book.name,
        from,
        title: book.about.title,
        when: book.about.when,
        targets: targets.map((target) => ({ name: target.name, lacks: lacking(book, target) })),
      }))
      if (json === true) for (const one of listed) desk.terminal.json(one)
      else desk.terminal.out(listText(listed))
    })
}
