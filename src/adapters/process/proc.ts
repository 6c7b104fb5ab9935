import { readFileSync, readdirSync } from 'node:fs'
import type { Clock } from '../../kernel/clock.ts'
import type { Child } from '../../drivers/scope.ts'

/** The fields of `/proc/PID/stat` (proc(5)) that identify a process and show whether it runs. */
export type Stat = {
  readonly pid: number
  readonly state: string
  readonly parent: number
  readonly group: number
  readonly session: number
  /** Clock ticks since boot. Pid and start time identify a process; a pid alone is reused. */
  readonly startTime: number
}

/** The name in parentheses may contain spaces and parentheses, so fields are counted from the last one. */
function parseStat(line: string): Stat | null {
  const fields = line
    .slice(line.lastIndexOf(')') + 2)
    .trim()
    .split(' ')
  const pid = Number.parseInt(line, 10)
  const [state, parent, group, session] = fields
  const startTime = Number(fields[19])
  if (state === undefined || !Number.isInteger(pid) || !Number.isInteger(startTime)) return null
  return { pid, state, parent: Number(parent), group: Number(group), session: Number(session), startTime }
}

/** Null if no process has this pid, or the system has no /proc (macOS). */
export function statOf(pid: number): Stat | null {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return null
  }
}

/** Every visible process. Null if the system has no /proc. */
export function allProcesses(): readonly Stat[] | null {
  if (statOf(process.pid) === null) return null
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => statOf(Number(name)))
    .filter((stat) => stat !== null)
}

export const isDead = (stat: Stat): boolean => stat.state === 'Z' || stat.state === 'X'

/** Whether exactly this process still runs; without /proc, whether any process has its pid. */
export function isRunning(child: Pick<Child, 'pid' | 'startTime'>): boolean {
  if (child.startTime === null) return canSignal(child.pid)
  const stat = statOf(child.pid)
  return stat !== null && stat.startTime === child.startTime && !isDead(stat)
}

/** Whether any process of a group still runs. Zombies do not count. */
export function groupIsRunning(group: number): boolean {
  if (!canSignal(-group)) return false
  const all = allProcesses()
  return all === null || all.some((stat) => stat.group === group && !isDead(stat))
}

function canSignal(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Signals a process group; an empty group is not an error. */
export function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown
  }
}

/**
 * Time for a killed process to disappear. After that it is stuck in the kernel, as on a dead network mount.
 */
export const reapMilliseconds = 1_500

/**
 * Sends TERM to the group, and KILL after the grace period. The caller must know that the group is its own.
 * @returns false if a process survives KILL. @throws the signal's reason when it aborts first
 */
export async function endGroup(
  group: number,
  graceMilliseconds: number,
  clock: Clock,
  signal?: AbortSignal,
): Promise<boolean> {
  const ended = (): boolean => !groupIsRunning(group)
  signalGroup(group, 'SIGTERM')
  if (await pollUntil(ended, graceMilliseconds, clock, signal)) return true
  signalGroup(group, 'SIGKILL')
  return pollUntil(ended, reapMilliseconds, clock, signal)
}

/** Polls with growing pauses until the condition holds (true) or the time is up (false). */
export async function pollUntil(
  condition: () => boolean,
  withinMilliseconds: number,
  clock: Clock,
  signal?: AbortSignal,
): Promise<boolean> {
  const until = clock.monotonic() + withinMilliseconds
  let pause = 5
  while (!condition()) {
    const left = until - clock.monotonic()
    if (left <= 0) return false
    await clock.sleep(Math.min(pause, left), signal)
    pause = Math.min(pause * 2, 100)
  }
  return true
}
