import type { BigIntStats } from 'node:fs'
import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import type { Session } from '../../drivers/databases.ts'

/**
 * Processes that have a file open, by its device and inode in `/proc/PID/fd` (proc_pid_fd(5)), so also in
 * containers with another path. Without this process and its children for the run; processes of other users
 * are visible to root only. Null without /proc.
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
    // Skips sockets and pipes, which are most descriptors.
    const target = await readlink(path).catch(() => null)
    if (target === null || !target.startsWith('/')) continue
    const facts = await stat(path, { bigint: true }).catch(() => null)
    if (facts !== null && facts.ino === wanted.ino && facts.dev === wanted.dev) return true
  }
  return false
}

/** Null for a process of this run, and for one that has ended. */
async function sessionOf(pid: string, run: string): Promise<Session | null> {
  const [status, environment] = (await Promise.all(
    ['status', 'environ'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
  )) as [string, string]
  if (status === '' || environment.split('\0').includes(`RUNBOOK_RUN=${run}`)) return null
  const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? ''
  return { id: pid, application: field('Name'), user: field('Uid').split(/\s+/)[0] ?? '' }
}
