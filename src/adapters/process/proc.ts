import { readFileSync, readdirSync } from 'node:fs'
import type { Clock } from '../../kernel/clock.ts'
import type { Child } from '../../drivers/scope.ts'

/** One line of `/proc/PID/stat` (proc(5)), the fields that tell whether somebody still runs and who he is. */
export type Stat = {
  readonly pid: number
  readonly state: string
  readonly parent: number
  readonly group: number
  readonly session: number
  /** Clock ticks since boot: with the pid it names a process for good, where a pid alone is used again. */
  readonly startTime: number
}

/** The name in brackets may hold spaces and brackets itself, so fields are counted from the last bracket. */
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

/** Null where nobody has this pid, or where there is no /proc (macOS). */
export function statOf(pid: number): Stat | null {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return null
  }
}

/** Every process that can be seen. Null where there is no /proc. */
export function allProcesses(): readonly Stat[] | null {
  if (statOf(process.pid) === null) return null
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => statOf(Number(name)))
    .filter((stat) => stat !== null)
}

export const isDead = (stat: Stat): boolean => stat.state === 'Z' || stat.state === 'X'

/** Whether exactly this process still runs. Without /proc a pid must do. */
export function isRunning(child: Pick<Child, 'pid' | 'startTime'>): boolean {
  if (child.startTime === null) return canSignal(child.pid)
  const stat = statOf(child.pid)
  return stat !== null && stat.startTime === child.startTime && !isDead(stat)
}

/** Whether anybody of a process group still runs; one that is dead and only waits for its parent does not. */
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

/** Signals a whole process group; nobody there is no error. */
export function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown
  }
}

/** Time in which the kernel buries what was killed. Past it a process hangs in the kernel, as on a dead network mount. */
export const burialMilliseconds = 1_500

/**
 * TERM to the whole group, KILL after the grace. The group's number must be known to be ours.
 * @returns false where somebody survives even KILL. @throws the signal's reason when that aborts first
 */
export async function endGroup(
  group: number,
  graceMilliseconds: number,
  clock: Clock,
  signal?: AbortSignal,
): Promise<boolean> {
  const gone = (): boolean => !groupIsRunning(group)
  signalGroup(group, 'SIGTERM')
  if (await becomes(gone, graceMilliseconds, clock, signal)) return true
  signalGroup(group, 'SIGKILL')
  return becomes(gone, burialMilliseconds, clock, signal)
}

/** Asks again and again, more slowly each time, until the answer is yes or the time is up. */
export async function becomes(
  question: () => boolean,
  withinMilliseconds: number,
  clock: Clock,
  signal?: AbortSignal,
): Promise<boolean> {
  const until = clock.monotonic() + withinMilliseconds
  let pause = 5
  while (!question()) {
    const left = until - clock.monotonic()
    if (left <= 0) return false
    await clock.sleep(Math.min(pause, left), signal)
    pause = Math.min(pause * 2, 100)
  }
  return true
}
