import Database from 'better-sqlite3'
import { isBusy } from './errors.ts'
import { ownFile } from './state-folder.ts'

/** Held by this process until released or until it dies: the kernel then frees it. */
export interface KernelLock {
  release(): void
}

/**
 * An exclusive transaction on an empty SQLite file, which is a kernel record lock
 * (sqlite.org/lockingv3.html); SQLite also separates two connections of one process, which the kernel would
 * not.
 * @returns null at once if it is held
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
