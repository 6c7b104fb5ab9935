import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { cannot } from '../kernel/errors.ts'
import { shellWord } from '../kernel/shell-quote.ts'

/**
 * Makes the folder of a file that a command was asked for, and writes it: where that fails, the place was wrongly chosen.
 * @throws RunbookError `usage` where the folder or the file cannot be written
 */
export async function writeOutput(file: string, write: () => Promise<void>): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true })
    await write()
  } catch (cause) {
    throw cannot('write', file, null, {
      code: 'usage',
      cause,
      hint: `check: namei -l ${shellWord(dirname(file))}`,
    })
  }
}
