import { dirname } from 'node:path'
import type { Views } from '../drivers/drivers.ts'
import { shellWord } from '../kernel/shell-quote.ts'

/**
 * Advice where git would commit what runs write into a folder, such as evidence; null where it ignores the folder, the
 * folder is in no work tree, or git cannot be asked.
 */
export async function unignoredAdvice(
  { git }: Pick<Views, 'git'>,
  folder: string,
  what: string,
): Promise<string | null> {
  // A pattern such as `artifacts/` only matches a folder, and this one may not exist yet.
  const ignored = await git.ignores(dirname(folder), `${folder}/run.json`).catch(() => null)
  return ignored === false
    ? `git does not ignore ${folder}, where ${what} is written: (cd ${shellWord(dirname(folder))} && echo ${shellWord(`/${folder.slice(folder.lastIndexOf('/') + 1)}/`)} >> .gitignore)`
    : null
}
