import { shellWord } from '../../kernel/shell-quote.ts'
import { existsSync, readdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { basename, join, relative, resolve } from 'node:path'
import type { Command } from 'commander'
import { composeNamesIn } from '../../formats/compose-names.ts'
import type { ImportedFile } from '../../import/source.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import type { CliContext } from '../context.ts'
import { writeOutput } from '../output-file.ts'

export function importCommand(program: Command, context: CliContext): void {
  program
    .command('import')
    .description(
      'write runbooks from a Markdown procedure, and report what became of each command and every trap',
    )
    .argument('<file>', 'the Markdown document')
    .option('--out <folder>', 'write the runbooks below this folder; without it only the report is printed')
    .action(async (file: string, { out }: { readonly out?: string }) => {
      const [{ importOf, reportText }, text] = await Promise.all([
        import('../../import/report.ts'),
        readFile(resolve(context.directory, file), 'utf8').catch((cause: unknown) => {
          throw cannot('read', file, null, { code: 'usage', cause, hint: `check: ls -l ${shellWord(file)}` })
        }),
      ])
      const { report, files } = importOf(basename(file), text, (folder) =>
        folder === null
          ? beside(resolve(context.directory, out ?? '.'), context.directory)
          : composeFilesOf(folder).map((name) => join(folder, name)),
      )
      const written = out === undefined ? '' : await writeFiles(out, resolve(context.directory, out), files)
      context.terminal.show(reportText(file, report, context.terminal.width() === null ? 'table' : 'list'))
      const next =
        out === undefined
          ? `Nothing is written. To write the runbooks:  runbook import ${file} --out FOLDER`
          : written
      context.terminal.show(context.asTyped(`${next}\n`))
    })
}

/** Relative to the configuration: its own folder comes first, then the one in which the command was typed. */
function beside(folder: string, current: string): readonly string[] {
  const at = composeFilesOf(folder).length > 0 ? folder : current
  return composeFilesOf(at).map((name) => relative(folder, join(at, name)))
}

/** None in a folder that cannot be read, as one of another machine. */
function composeFilesOf(folder: string): readonly string[] {
  try {
    return composeNamesIn(readdirSync(folder))
  } catch {
    return []
  }
}

/**
 * Writes all of them, or none. The configuration of a folder that has one is left as it is.
 * @returns what is written, in words
 * @throws RunbookError `usage` where a file is there already
 */
async function writeFiles(named: string, folder: string, files: readonly ImportedFile[]): Promise<string> {
  if (files.length === 0)
    throw new RunbookError(
      'usage',
      `nothing to write to ${named}: the document has no procedure with commands`,
      {
        hint: 'see what is read in it: leave --out away',
      },
    )
  const added = files.filter(({ path }) => !isConfiguration(path) || !existsSync(join(folder, path)))
  const there = added.find(({ path }) => existsSync(join(folder, path)))
  if (there !== undefined)
    throw new RunbookError('usage', `${join(named, there.path)} exists already; nothing is written`, {
      hint: 'name another folder with --out, or move the file away',
    })
  for (const { path, text } of added) {
    const file = join(folder, path)
    await writeOutput(file, () => writeFile(file, text, { flag: 'wx', mode: 0o644 }))
  }
  const kept = files.filter((file) => !added.includes(file))
  return [
    ...added.map(({ path }) => `Wrote ${join(named, path)}.`),
    ...kept.map(
      ({ path, text }) =>
        `${join(named, path)} is left as it is. The runbooks need what this target has:\n\n${text}`,
    ),
    `Next: check each input, then look at the plan, in ${named}:  runbook show NAME`,
  ].join('\n')
}

const isConfiguration = (path: string): boolean => path === 'runbook.config.ts'
