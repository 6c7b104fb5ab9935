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

/** One folder holds all that is kept of runs, and it is ours alone. */
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
 * Makes what is missing, whatever the umask, and takes from others the right to read what is there.
 * @throws RunbookError `usage` for a folder that others own or can write, a link, and a network file system: nothing is made then
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
    `the state folder ${path} lies on ${name}, where neither locks nor durability can be relied on`,
    {
      hint: 'choose a folder on a disk of this machine',
    },
  )
}

function ownFolder(path: string): void {
  makeFolder(path)
  const facts = lstatSync(path)
  if (!facts.isDirectory())
    throw untrusted(path, facts.isSymbolicLink() ? 'is a link, and links are not followed' : 'is no folder')
  onlyOurs(path, facts, 0o700)
}

function makeFolder(path: string): void {
  if (existsSync(path)) return
  makeFolder(dirname(path))
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (thrown) {
    // Another process was faster, or a link to nowhere is in the way: the caller looks.
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') return
    throw thrown
  }
  chmodSync(path, 0o700)
  syncFolderNow(dirname(path))
}

/**
 * Makes an empty file of our own, or checks the one that is there without opening it: to close any descriptor of a file drops every lock
 * that this process has on it (fcntl(2), "Record locking"), and SQLite's locks are such.
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
        facts.isSymbolicLink() ? 'is a link, and links are not followed' : 'is no regular file',
      )
    onlyOurs(path, facts, 0o600)
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

function onlyOurs(path: string, facts: Stats, mode: number): void {
  const us = process.geteuid?.()
  if (us !== undefined && facts.uid !== us)
    throw untrusted(path, `belongs to user ${facts.uid}, and this program runs as user ${us}`)
  if ((facts.mode & 0o022) !== 0)
    throw untrusted(path, `can be written by others (mode ${(facts.mode & 0o777).toString(8)})`)
  if ((facts.mode & 0o077) !== 0) chmodSync(path, mode)
}

const untrusted = (path: string, why: string): RunbookError =>
  new RunbookError('usage', `the state folder cannot be trusted: ${path} ${why}`, {
    hint: `look at it with \`ls -ld ${path}\`, then repair it or choose another state folder`,
  })

/** Runs and systems name files in the state folder. @throws RunbookError `usage` for a name that could reach out of it */
export function fileName(name: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(name)) return name
  throw new RunbookError('usage', `${JSON.stringify(name)} is no name of a run or a system`, {
    hint: '`runbook history` shows the names of runs',
  })
}
