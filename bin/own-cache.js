import { lstatSync, mkdirSync } from 'fs'
import { tmpdir } from 'os'
import { join } from 'path'

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
  // Written for versions of Node that only have to get as far as the message of node-24.js.
  if (facts === undefined || !facts.isDirectory()) return false
  const own = process.geteuid === undefined || facts.uid === process.geteuid()
  return own && (facts.mode & 0o022) === 0
}
