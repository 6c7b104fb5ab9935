import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import type { ProcessIdentity } from '../../run/journal/entry.ts'
import { isRunning, statOf } from '../process/proc.ts'

/** This process, as it signs its holds. `by` is the person, or whatever stands for one. */
export function thisProcess(by: string): ProcessIdentity {
  return {
    by,
    host: hostname(),
    pid: process.pid,
    startTime: statOf(process.pid)?.startTime ?? null,
    bootId: bootId(),
  }
}

/** Differs after every boot (proc_sys_kernel(5), random/boot_id); null where there is no /proc. */
function bootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return null
  }
}

/** A pid is used again, after a boot surely: only pid, start time and boot together name a process. A stopped one is alive. */
export const isAlive = (carrier: Pick<ProcessIdentity, 'pid' | 'startTime' | 'bootId'>): boolean =>
  carrier.bootId === bootId() && isRunning(carrier)
