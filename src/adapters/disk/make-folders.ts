import { mkdirSync, statSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemCode } from './errors.ts'

/**
 * Makes a folder and those above it that are missing, one by one: Node's recursive mkdir never returns below /proc, and
 * reports ENOENT on a read-only file system.
 * @param made called after each that was made
 */
export async function makeFolders(
  path: string,
  mode?: number,
  made?: (folder: string) => Promise<void>,
): Promise<void> {
  if (!(await exists(path)) && dirname(path) !== path) await makeFolders(dirname(path), mode, made)
  try {
    await mkdir(path, { mode })
    await made?.(path)
  } catch (thrown) {
    if (systemCode(thrown) !== 'EEXIST' || !(await stat(path)).isDirectory()) throw thrown
  }
}

/** As {@link makeFolders}. */
export function makeFoldersNow(path: string, mode?: number): void {
  if (statSync(path, { throwIfNoEntry: false }) === undefined && dirname(path) !== path)
    makeFoldersNow(dirname(path), mode)
  try {
    mkdirSync(path, { mode })
  } catch (thrown) {
    if (systemCode(thrown) !== 'EEXIST' || !statSync(path).isDirectory()) throw thrown
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (thrown: unknown) => {
      if (systemCode(thrown) === 'ENOENT') return false
      throw thrown
    },
  )
