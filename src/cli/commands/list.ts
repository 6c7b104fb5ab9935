import type { Command } from 'commander'
import { listText, type Listed } from '../../views/list.ts'
import { missingSections } from '../../model/target.ts'
import type { CliContext } from '../context.ts'

export function listCommand(program: Command, context: CliContext): void {
  program
    .command('list')
    .description('list the runbooks, when to use each, and which targets each fits')
    .option('--target <name>', 'for this target only, with the sections it lacks')
    .option('--json', 'print one JSON object per line')
    .action(async ({ json, target: only }: { readonly json?: true; readonly target?: string }) => {
      const [entries, targets] = await Promise.all([
        context.catalog().then((catalog) => catalog.listed()),
        only === undefined ? context.targets() : context.target(only).then((one) => [one]),
      ])
      const listed: Listed[] = context.masked(entries).map(({ name, from, title, when, needs }) => ({
        name,
        from,
        title,
        when,
        targets: targets.map((target) => ({ name: target.name, lacks: missingSections({ needs }, target) })),
      }))
      // Runbooks that fit the target come first.
      if (only !== undefined) listed.sort((one, other) => Number(fitsNone(one)) - Number(fitsNone(other)))
      if (json === true) for (const one of listed) context.json(one)
      else context.terminal.show(context.asTyped(listText(listed, context.terminal.width())))
    })
}

const fitsNone = ({ targets }: Listed): boolean => targets.every(({ lacks }) => lacks.length > 0)
