import type { BigIntStats } from 'node:fs'
import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import type { Session } from '../../drivers/databases.ts'

/**
 * Processes that have a file open, found by its device and inode in `/proc/PID/fd` (proc_pid_fd(5)): so those in containers, which know
 * it by another path, are found too. Left out are this process and what it started for the run; and what other users have open where
 * we are not root, for the system hides it. Null where there is no /proc.
 */
export async function holdersOf(file: string, run: string): Promise<readonly Session[] | null> {
  const wanted = await stat(file, { bigint: true }).catch(() => null)
  const pids = await readdir('/proc').then(
    (names) => names.filter((name) => /^\d+$/.test(name)),
    () => null,
  )
  if (pids === null || pids.length === 0) return null
  const sessions: Session[] = []
  for (const pid of wanted === null ? [] : pids) {
    if (wanted === null || Number(pid) === process.pid || !(await opens(pid, wanted))) continue
    const session = await sessionOf(pid, run)
    if (session !== null) sessions.push(session)
  }
  return sessions
}

async function opens(pid: string, wanted: BigIntStats): Promise<boolean> {
  const fds = await readdir(`/proc/${pid}/fd`).catch(() => [])
  for (const fd of fds) {
    const path = `/proc/${pid}/fd/${fd}`
    // Sockets and pipes are no files, and are most of what is open. A file on a dead network mount is not touched either.
    const target = await readlink(path).catch(() => null)
    if (target === null || !target.startsWith('/')) continue
    const facts = await stat(path, { bigint: true }).catch(() => null)
    if (facts !== null && facts.ino === wanted.ino && facts.dev === wanted.dev) return true
  }
  return false
}

/** Null for what works for this run, and for a process that has ended meanwhile. */
async function sessionOf(pid: string, run: string): Promise<Session | null> {
  const [status, environment] = (await Promise.all(
    ['status', 'environ'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
  )) as [string, string]
  if (status === '' || environment.split('\0').includes(`RUNBOOK_RUN=${run}`)) return null
  const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? ''
  return { id: pid, application: field('Name'), user: field('Uid').split(/\s+/)[0] ?? '' }
}
