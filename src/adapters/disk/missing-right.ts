import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import type { MissingRight } from '../../drivers/databases.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { fileError } from './errors.ts'
import { statOf } from './place.ts'

/** What the account lacks to create and remove entries of a folder that is there. Tries nothing. */
export async function missingRightIn(folder: string): Promise<MissingRight | null> {
  try {
    // oxlint-disable-next-line no-bitwise
    await access(folder, constants.W_OK | constants.X_OK)
    return null
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException
    if (code === 'EROFS')
      return {
        lacks: `a file system that can be written at ${folder}: it is mounted read-only`,
        certain: true,
        cures: [`mount -o remount,rw "$(findmnt -no TARGET -T ${shellWord(folder)})"`],
      }
    if (code !== 'EACCES' && code !== 'EPERM') throw fileError('cannot read the rights of', folder, thrown)
    const owner = (await statOf(folder))?.uid
    return {
      lacks: `the right to create and remove files in ${folder}${owner === undefined ? '' : ` (owner ${owner})`}`,
      certain: true,
      cures: [
        code === 'EPERM'
          ? `chattr -i ${shellWord(folder)}`
          : `setfacl -m u:${process.geteuid?.() ?? 0}:rwx ${shellWord(folder)}`,
      ],
    }
  }
}
