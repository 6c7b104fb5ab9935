import type { Command } from 'commander'
import { listText, type Listed } from '../../views/list.ts'
import { lacking, type CliContext } from '../context.ts'

export function listCommand(program: Command, desk: CliContext): void {
  program
    .command('list')
    .description('show the runbooks, when to use each, and which targets it fits')
    .option('--target <name>', 'as for this target alone, with what it lacks for the others')
    .option('--json', 'print one JSON object a line')
    .action(async ({ json, target: only }: { readonly json?: true; readonly target?: string }) => {
      const [shelved, targets] = await Promise.all([
        desk.shelf().then((shelf) => shelf.all()),
        only === undefined ? desk.targets() : desk.target(only).then((one) => [one]),
      ])
      const listed: Listed[] = shelved.map(({ book, from }) => ({
        name: book.name,
        from,
        title: book.about.title,
        when: book.about.when,
        targets: targets.map((target) => ({ name: target.name, lacks: lacking(book, target) })),
      }))
      // Runbooks that fit the target come first.
      if (only !== undefined) listed.sort((one, other) => Number(fitsNone(one)) - Number(fitsNone(other)))
      if (json === true) for (const one of listed) desk.terminal.json(one)
      else desk.terminal.out(listText(listed))
    })
}

const fitsNone = ({ targets }: Listed): boolean => targets.every(({ lacks }) => lacks.length > 0)
