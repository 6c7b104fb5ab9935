import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import type { ProcessIdentity } from '../../run/journal/entry.ts'
import { isRunning, statOf } from '../process/proc.ts'

/** The identity of this process in its leases. `by` is the person or account that started it. */
export function thisProcess(by: string): ProcessIdentity {
  return {
    by,
    host: hostname(),
    pid: process.pid,
    startTime: statOf(process.pid)?.startTime ?? null,
    bootId: bootId(),
  }
}

/** Changes with every boot (proc_sys_kernel(5), random/boot_id); null without /proc. */
function bootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return null
  }
}

/**
 * Pids are reused, so pid, start time and boot id together identify a process. A stopped process is alive.
 */
export const isAlive = (holder: Pick<ProcessIdentity, 'pid' | 'startTime' | 'bootId'>): boolean =>
  holder.bootId === bootId() && isRunning(holder)
