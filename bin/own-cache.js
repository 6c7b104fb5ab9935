import { lstatSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Whether only this user can write Node's cache of compiled code. What is in it is executed, and in a shared
 * folder another user may have created it.
 */
export function isOwnCache() {
  if (process.env.NODE_COMPILE_CACHE !== undefined) return true
  const folder = join(tmpdir(), 'node-compile-cache')
  try {
    mkdirSync(folder, { mode: 0o700 })
    return true
  } catch {
    // It is there already, or cannot be created.
  }
  const facts = lstatSync(folder, { throwIfNoEntry: false })
  const own = process.geteuid === undefined || facts?.uid === process.geteuid()
  return facts?.isDirectory() === true && own && (facts.mode & 0o022) === 0
}
