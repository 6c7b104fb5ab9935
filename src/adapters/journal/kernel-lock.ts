import Database from 'better-sqlite3'
import { isBusy } from './errors.ts'
import { ownFile } from './state-folder.ts'

/** Held by this process until it lets go or dies: the kernel then frees it, whatever killed the process. */
export interface KernelLock {
  release(): void
}

/**
 * An exclusive transaction on an empty SQLite file, which is a record lock of the kernel (sqlite.org/lockingv3.html); SQLite also keeps two
 * connections of one process apart, which the kernel would not.
 * @returns null at once where somebody has it
 */
export function tryLock(path: string): KernelLock | null {
  ownFile(path)
  const file = new Database(path, { fileMustExist: true, timeout: 0 })
  try {
    file.exec('BEGIN EXCLUSIVE')
  } catch (thrown) {
    file.close()
    if (isBusy(thrown)) return null
    throw thrown
  }
  return { release: () => void file.close() }
}
