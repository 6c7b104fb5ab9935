import { shellWord } from '../../kernel/shell-quote.ts'
import { constants } from 'node:fs'
import { open, rename, stat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Scope } from '../../drivers/scope.ts'
import { cannot } from '../../kernel/errors.ts'
import { syncFolder } from './durable.ts'
import { statOf, trustParents } from './place.ts'
import { fileError } from './errors.ts'

export type Sealing = {
  readonly doing: 'encrypt' | 'decrypt' | 'unpack'
  readonly file: string
  readonly to: string
  readonly scope: Scope
}

/**
 * Writes a file that gets its name only after `fill` succeeded and it is durable; until then only
 * `TO.partial` exists, with mode 0600.
 * @throws RunbookError `failed` if `to` exists, or `file` is not a regular file
 */
export async function sealedInto<T>(
  { doing, file, to, scope }: Sealing,
  fill: (partial: string) => Promise<T>,
): Promise<T> {
  const partial = `${to}.partial`
  try {
    await trustParents(to)
    if ((await statOf(to)) !== null)
      throw cannot(`${doing} to`, to, 'already exists', {
        code: 'failed',
        hint: `check: ls -ld ${shellWord(to)}`,
      })
    if (!(await stat(file)).isFile())
      throw cannot(doing, file, 'not a regular file', {
        code: 'failed',
        hint: `check: ls -ld ${shellWord(file)}`,
      })
    await unlink(partial).catch(() => undefined)
    await (
      await open(
        partial,
        constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
        0o600,
      )
    ).close()
    const filled = await fill(partial)
    await using sealed = await open(partial, constants.O_RDONLY | constants.O_NOFOLLOW)
    await sealed.sync()
    await rename(partial, to)
    await syncFolder(dirname(to))
    return filled
  } catch (thrown) {
    await unlink(partial).catch(() => undefined)
    scope.signal.throwIfAborted()
    throw fileError(`cannot ${doing}`, file, thrown)
  }
}
