import { randomBytes } from 'node:crypto'
import { readdir, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { sha256 } from '../../kernel/json.ts'
import { isRunning, statOf } from '../process/proc.ts'

/**
 * A hidden name beside a file for its next content. Names the process that writes, so that one that a killed
 * process left is removed here when the same file is written again, and that of a living one is not.
 */
export async function partialBeside(path: string): Promise<string> {
  const folder = dirname(path)
  // Of this machine's files only: a process of another one cannot be looked at.
  const prefix = `.${sha256(`${hostname()} ${basename(path)}`).slice(0, 12)}.`
  await removeLeftovers(folder, prefix)
  const { pid } = process
  return join(
    folder,
    `${prefix}${pid}-${statOf(pid)?.startTime ?? 0}.${randomBytes(6).toString('hex')}.partial`,
  )
}

/** Also of older versions, whose names had no process in them. */
export const isPartialName = (name: string): boolean =>
  /^\.[0-9a-f]{12}\.(?:\d+-\d+\.[0-9a-f]{12}\.)?partial$/.test(name)

async function removeLeftovers(folder: string, prefix: string): Promise<void> {
  // Without /proc nobody knows which process lives.
  if (statOf(process.pid) === null) return
  const names = await readdir(folder).catch((): readonly string[] => [])
  for (const name of names) {
    const [, pid, startTime] = /^(\d+)-(\d+)\.[0-9a-f]{12}\.partial$/.exec(name.slice(prefix.length)) ?? []
    if (!name.startsWith(prefix) || pid === undefined) continue
    if (isRunning({ pid: Number(pid), startTime: Number(startTime) })) continue
    await unlink(join(folder, name)).catch(() => undefined)
  }
}
