import { readFileSync, readlinkSync } from 'node:fs'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isRunning, statOf } from '../process/proc.ts'

export type PrivateFolder = AsyncDisposable & { readonly path: string }

const prefix = 'runbook-unpacked-'
/** Nothing is unpacked for as long as this. Milliseconds. */
const longestUse = 24 * 60 * 60 * 1000

/**
 * A folder of `TMPDIR` for this process alone, removed when it is disposed of. Its name says whose it is: a process that
 * was killed cannot remove its own, so those that nobody uses are removed first.
 */
export async function privateFolder(): Promise<PrivateFolder> {
  await removeAbandoned()
  const startTime = statOf(process.pid)?.startTime ?? 0
  const path = await mkdtemp(join(tmpdir(), `${prefix}${machine()}-${process.pid}-${startTime}-`))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

async function removeAbandoned(): Promise<void> {
  const names = await readdir(tmpdir()).catch(() => [])
  for (const name of names.filter((one) => one.startsWith(prefix))) {
    const path = join(tmpdir(), name)
    // Another process may remove it at the same time, and that of another user stays.
    if (await isAbandoned(name, path).catch(() => false))
      await rm(path, { recursive: true, force: true }).catch(() => undefined)
  }
}

async function isAbandoned(name: string, path: string): Promise<boolean> {
  const [, from, pid, startTime] = /^([\da-f]+-\d+)-(\d+)-(\d+)-\w+$/.exec(name.slice(prefix.length)) ?? []
  if (from === machine() && startTime !== '0')
    return !isRunning({ pid: Number(pid), startTime: Number(startTime) })
  // Of another boot, or of a container whose processes are not seen here.
  return Date.now() - (await stat(path)).mtimeMs > longestUse
}

/** In what a process id has its meaning: a boot (proc_sys_kernel(5)) and a namespace (pid_namespaces(7)). */
function machine(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8)
    return `${boot}-${/\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0'}`
  } catch {
    return '0-0'
  }
}
