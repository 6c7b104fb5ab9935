import { readFileSync } from 'node:fs'

/**
 * The environment that a process was started with (proc(5), /proc/PID/environ). Null where it may not be read, because the process is
 * another account's, or cannot be, because it has ended or there is no /proc.
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
