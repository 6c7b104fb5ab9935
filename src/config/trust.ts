import { shellWord } from '../kernel/shell-quote.ts'
import { lstatSync, readFileSync, readlinkSync, realpathSync, type Stats } from 'node:fs'
import { isAbsolute, join, parse, relative, resolve, sep } from 'node:path'
import { RunbookError } from '../kernel/errors.ts'
import { accountsFrom, type Accounts } from './accounts.ts'

type Facts = Pick<Stats, 'uid' | 'gid' | 'mode' | 'isDirectory' | 'isSymbolicLink'>

/** What is looked at, so that tests can pretend other users. */
export type FileFacts = {
  /** Of the path itself, not of what a link points to; null if there is none. */
  lstat(path: string): Facts | null
  readlink(path: string): string
}

export type Truster = {
  readonly files: FileFacts
  readonly accounts: Accounts
  /** Effective user id; null where there are none, as on Windows. */
  readonly uid: number | null
  /** Who called sudo; counts only if this process runs as root. */
  readonly sudoUid: string | undefined
}

/** The truster of this process. */
export function thisTruster(environment: { readonly [name: string]: string | undefined }): Truster {
  return {
    files: {
      lstat: (path) => lstatSync(path, { throwIfNoEntry: false }) ?? null,
      readlink: (path) => readlinkSync(path),
    },
    accounts: accountsFrom(textOf('/etc/passwd'), textOf('/etc/group')),
    uid: process.geteuid?.() ?? null,
    sudoUid: environment['SUDO_UID'],
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

type Flaw = { readonly path: string; readonly why: string; readonly cure: string }

/** Links followed before a path counts as a loop, as in Linux (path_resolution(7)). */
const mostLinks = 40

/**
 * Decides which files may be executed as code with the rights of this user: those that only this user and
 * root could have written. As in git's safe.directory, the user who called sudo is trusted too.
 */
export class Trust {
  readonly #truster: Truster
  readonly #users: ReadonlySet<number>
  readonly #exceptions: readonly string[]
  readonly #accepted: (flaw: string) => void
  readonly #flaws = new Map<string, Flaw | null>()

  /**
   * @param exceptions absolute paths that are trusted whoever owns them: a file, or all below a folder
   * @param accepted called for each flaw that an exception covers
   */
  constructor(truster: Truster, exceptions: readonly string[], accepted: (flaw: string) => void) {
    this.#truster = truster
    this.#exceptions = exceptions.flatMap((path) => [path, realPath(path)])
    this.#accepted = accepted
    const caller = Number(truster.sudoUid)
    const bySudo = truster.uid === 0 && /^\d+$/.test(truster.sudoUid ?? '') ? [caller] : []
    this.#users = new Set([truster.uid ?? 0, 0, ...bySudo])
  }

  /**
   * Checks a file, every folder above it, and every link on the way.
   * @throws RunbookError `usage` where somebody else could have written what is loaded
   */
  check(file: string): void {
    if (this.#truster.uid === null) return
    for (const path of this.#pathsTo(file)) {
      const flaw = this.#flawOf(path)
      if (flaw === null) continue
      if (this.#excepts(file, flaw.path)) {
        this.#accepted(`${flaw.path} (${flaw.why})`)
        continue
      }
      throw new RunbookError(
        'usage',
        `refused to load ${file}: ${flaw.path === file ? 'it' : flaw.path} ${flaw.why}`,
        {
          hint: `${flaw.cure}; if you trust it as it is, add --trust ${shellWord(flaw.path)}, which is recorded`,
        },
      )
    }
  }

  #excepts(file: string, path: string): boolean {
    return this.#exceptions.some(
      (trusted) => isWithin(trusted, path) || isWithin(trusted, file) || isWithin(trusted, realPath(file)),
    )
  }

  /** All folders and links on the way to a file, and the file; without the root, whose owner owns all. */
  #pathsTo(file: string): readonly string[] {
    const found: string[] = []
    let here = parse(file).root
    let rest = relative(here, file).split(sep)
    let links = 0
    while (rest.length > 0) {
      const [name = '', ...more] = rest
      rest = more
      const path = join(here, name)
      const facts = this.#truster.files.lstat(path)
      if (facts === null) break
      found.push(path)
      if (!facts.isSymbolicLink()) {
        here = path
        continue
      }
      if ((links += 1) > mostLinks) break
      const target = resolve(here, this.#truster.files.readlink(path))
      here = parse(target).root
      rest = [
        ...relative(here, target)
          .split(sep)
          .filter((part) => part !== ''),
        ...rest,
      ]
    }
    return found
  }

  #flawOf(path: string): Flaw | null {
    const known = this.#flaws.get(path)
    if (known !== undefined) return known
    const facts = this.#truster.files.lstat(path)
    const flaw = facts === null ? null : this.#judge(path, facts)
    this.#flaws.set(path, flaw)
    return flaw
  }

  #judge(path: string, facts: Facts): Flaw | null {
    const { accounts } = this.#truster
    const { uid, gid, mode } = facts
    if (!this.#users.has(uid)) {
      const us = accounts.nameOfUser(this.#truster.uid ?? 0)
      return {
        path,
        why: `belongs to ${accounts.nameOfUser(uid)}, and this program runs as ${us}`,
        cure: `run it as ${accounts.nameOfUser(uid)}, or chown ${us} ${shellWord(path)}`,
      }
    }
    // The mode of a link means nothing, and in a sticky folder only the owner of a file can replace it.
    if (facts.isSymbolicLink() || (facts.isDirectory() && (mode & 0o1000) !== 0)) return null
    if ((mode & 0o002) !== 0) return { path, why: 'is world-writable', cure: `chmod o-w ${shellWord(path)}` }
    if ((mode & 0o020) !== 0 && !accounts.isPrivate(gid, this.#users))
      return {
        path,
        why: `can be written by the group ${accounts.nameOfGroup(gid)}`,
        cure: `chmod g-w ${shellWord(path)}`,
      }
    return null
  }
}

const isWithin = (folder: string, path: string): boolean => {
  const way = relative(folder, path)
  return way === '' || (!isAbsolute(way) && way !== '..' && !way.startsWith(`..${sep}`))
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return join(path)
  }
}
