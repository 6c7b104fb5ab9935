import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { cannot } from '../../kernel/errors.ts'
import type { CliContext } from '../context.ts'

export function importCommand(program: Command, context: CliContext): void {
  program
    .command('import')
    .description('report what each command of a Markdown procedure would become, and the traps in it')
    .argument('<file>', 'the Markdown document')
    .action(async (file: string) => {
      const [{ reportOn, reportText }, text] = await Promise.all([
        import('../../import/report.ts'),
        readFile(resolve(context.directory, file), 'utf8').catch((cause: unknown) => {
          throw cannot('read', file, null, { code: 'usage', cause, hint: `check: ls -l ${file}` })
        }),
      ])
      context.terminal.out(reportText(file, reportOn(text)))
    })
}
