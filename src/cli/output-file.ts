import { access, constants, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { cannot } from '../kernel/errors.ts'
import { shellWord } from '../kernel/shell-quote.ts'

/**
 * Makes the folder of a file that a command was asked for, and writes it: where that fails, the place was wrongly chosen.
 * @throws RunbookError `usage` where the folder or the file cannot be written
 */
export async function writeOutput(file: string, write: () => Promise<void>): Promise<void> {
  try {
    // Imported here because the help needs no adapter.
    const { makeFolders } = await import('../adapters/disk/make-folders.ts')
    await makeFolders(dirname(file))
    await write()
  } catch (cause) {
    throw cannot('write', file, null, {
      code: 'usage',
      cause,
      hint: `check: namei -l ${shellWord(dirname(file))}`,
    })
  }
}

/**
 * Before work that takes long: whether a file can be written into a folder that another program reads. That folder is not
 * made, since nobody would read a file in a folder that was mistyped.
 * @throws RunbookError `usage` where the folder is missing, is not a folder or cannot be written, or the file is a folder
 */
export async function mustTakeOutput(file: string): Promise<void> {
  const folder = dirname(file)
  const refuse = (why: string, hint: string, cause?: unknown): never => {
    throw cannot('write', file, why, { code: 'usage', hint, cause })
  }
  const found = await stat(folder).catch((thrown: NodeJS.ErrnoException) =>
    thrown.code === 'ENOENT'
      ? refuse(
          `the folder ${folder} does not exist`,
          `make it, or correct the path: mkdir -p ${shellWord(folder)}`,
        )
      : refuse(`the folder ${folder} cannot be read`, `check: namei -l ${shellWord(folder)}`, thrown),
  )
  if (!found.isDirectory()) refuse(`${folder} is not a folder`, 'correct the path')
  try {
    await access(folder, constants.W_OK | constants.X_OK)
  } catch (thrown) {
    refuse(`the folder ${folder} cannot be written`, `check: namei -l ${shellWord(folder)}`, thrown)
  }
  if ((await stat(file).catch(() => null))?.isDirectory() === true)
    refuse('it is a folder', 'add the name of a file to the path')
}
