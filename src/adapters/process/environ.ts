import { readFileSync } from 'node:fs'

/**
 * The environment that a process was started with (proc(5), /proc/PID/environ). Null if it cannot be read:
 * the process belongs to another account or has ended, or the system has no /proc.
 */
export function environmentOf(pid: number): ReadonlyMap<string, string> | null {
  try {
    return parseEnviron(readFileSync(`/proc/${pid}/environ`, 'utf8'))
  } catch {
    return null
  }
}

function parseEnviron(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const entry of text.split('\0')) {
    const equals = entry.indexOf('=')
    if (equals > 0) found.set(entry.slice(0, equals), entry.slice(equals + 1))
  }
  return found
}
