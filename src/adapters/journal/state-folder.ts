import { shellWord } from '../../kernel/shell-quote.ts'
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  statfsSync,
  type Stats,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { RunbookError } from '../../kernel/errors.ts'
import { syncFolderNow } from '../disk/durable.ts'
import { sharedFileSystem } from './shared-file-system.ts'

/** The private folder with all stored data of runs. */
export type StateFolder = {
  readonly path: string
  readonly database: string
  readonly heads: string
  readonly locks: string
  readonly reserve: string
}

export function stateFolder(folder: string): StateFolder {
  const path = resolve(folder)
  return {
    path,
    database: join(path, 'journal.db'),
    heads: join(path, 'heads'),
    locks: join(path, 'locks'),
    reserve: join(path, 'reserve'),
  }
}

/**
 * Creates missing folders, whatever the umask, and removes access of others.
 * @throws RunbookError `usage` for a folder that others own or can write, a link, or a network file system;
 *   then nothing is created
 */
export function prepare(folder: StateFolder): void {
  refuseShared(folder.path)
  for (const path of [folder.path, folder.heads, folder.locks]) ownFolder(path)
}

function refuseShared(path: string): void {
  let at = path
  while (!existsSync(at)) at = dirname(at)
  const name = sharedFileSystem(statfsSync(at).type)
  if (name === null) return
  throw new RunbookError(
    'usage',
    `state folder ${path} is on ${name}, where locks and durability are not reliable`,
    {
      hint: 'choose a folder on a local disk',
    },
  )
}

function ownFolder(path: string): void {
  createFolder(path)
  const facts = lstatSync(path)
  if (!facts.isDirectory())
    throw untrusted(
      path,
      facts.isSymbolicLink() ? 'is a link, and links are not followed' : 'is not a folder',
    )
  requirePrivate(path, facts, 0o700)
}

function createFolder(path: string): void {
  if (existsSync(path)) return
  createFolder(dirname(path))
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (thrown) {
    // Created by another process, or a dangling link: the caller checks.
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') return
    throw thrown
  }
  chmodSync(path, 0o700)
  syncFolderNow(dirname(path))
}

/**
 * Creates an empty private file, or checks an existing one without opening it: closing any descriptor of a
 * file drops every lock of this process on it (fcntl(2), "Record locking"), SQLite's included.
 */
export function ownFile(path: string): void {
  let file: number
  try {
    file = openSync(
      path,
      constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    )
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown
    const facts = lstatSync(path)
    if (!facts.isFile())
      throw untrusted(
        path,
        facts.isSymbolicLink() ? 'is a link, and links are not followed' : 'is not a regular file',
      )
    requirePrivate(path, facts, 0o600)
    return
  }
  try {
    fchmodSync(file, 0o600)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  syncFolderNow(dirname(path))
}

function requirePrivate(path: string, facts: Stats, mode: number): void {
  const us = process.geteuid?.()
  if (us !== undefined && facts.uid !== us)
    throw untrusted(path, `belongs to user ${facts.uid}, and this program runs as user ${us}`)
  if ((facts.mode & 0o022) !== 0)
    throw untrusted(path, `is writable by others (mode ${(facts.mode & 0o777).toString(8)})`)
  if ((facts.mode & 0o077) !== 0) chmodSync(path, mode)
}

const untrusted = (path: string, why: string): RunbookError =>
  new RunbookError('usage', `the state folder is not safe to use: ${path} ${why}`, {
    hint: `check: ls -ld ${shellWord(path)}; fix it, or choose another state folder`,
  })

/**
 * The file name of a run or a system.
 * @throws RunbookError `usage` for a name that could point outside the state folder
 */
export function fileName(name: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(name)) return name
  throw new RunbookError('usage', `${JSON.stringify(name)} is not a valid name of a run or a system`, {
    hint: 'list the runs: runbook history',
  })
}
