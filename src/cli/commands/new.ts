import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { Argument, type Command } from 'commander'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import type { CliContext } from '../context.ts'
import { writeOutput } from '../output-file.ts'

/** Names that cannot be the name of a constant. */
const reserved = ['case', 'class', 'default', 'delete', 'export', 'import', 'new', 'return', 'switch', 'test']

export function newCommand(program: Command, context: CliContext): void {
  program
    .command('new')
    .description('write a new runbook or step of your own, with its test')
    .addArgument(new Argument('<what>', 'what to write').choices(['runbook', 'step']))
    .argument('<name>', 'lowercase letters, digits and single hyphens')
    .action(async (what: 'runbook' | 'step', name: string) => {
      if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || reserved.includes(name))
        throw new RunbookError('usage', `cannot name a ${what} ${JSON.stringify(name)}`, {
          hint: 'use lowercase letters, digits and single hyphens, such as pause-queue',
        })
      const { file, config, runbooks } = await context.loaded()
      const folder = dirname(file)
      const { newRunbook, newStep } = await import('../../init/new-files.ts')
      const files = (what === 'runbook' ? newRunbook : newStep)({
        name,
        runbooks: relative(folder, runbooks[0] ?? join(folder, 'runbooks')),
        config: basename(file),
        target: config.defaultTarget ?? Object.keys(config.targets)[0] ?? '',
      })
      const taken = files.find(({ path }) => existsSync(join(folder, path)))
      if (taken !== undefined)
        throw cannot('write', join(folder, taken.path), 'it exists', {
          code: 'usage',
          hint: 'choose another name',
        })
      for (const { path, text } of files) {
        const file = join(folder, path)
        // Fails for a file that appeared meanwhile.
        await writeOutput(file, () => writeFile(file, text, { flag: 'wx', mode: 0o644 }))
      }
      const next = what === 'runbook' ? `Next: runbook show ${name}\n` : ''
      context.terminal.show(
        context.asTyped(
          `Wrote ${files.map(({ path }) => path).join(' and ')}.\n${next}Its test needs vitest and typescript: npm install --save-dev vitest typescript\nTo test it: npx vitest run test/${name}.test.ts\n`,
        ),
      )
    })
}
