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
  await removePartials(path)
  const { pid } = process
  return join(
    dirname(path),
    `${prefixOf(path)}${pid}-${statOf(pid)?.startTime ?? 0}.${randomBytes(6).toString('hex')}.partial`,
  )
}

/** Also of older versions, whose names had no process in them. */
export const isPartialName = (name: string): boolean =>
  /^\.[0-9a-f]{12}\.(?:\d+-\d+\.[0-9a-f]{12}\.)?partial$/.test(name)

/** Of this machine's files only: a process of another one cannot be looked at. */
const prefixOf = (path: string): string => `.${sha256(`${hostname()} ${basename(path)}`).slice(0, 12)}.`

/** What killed processes left beside a file of its next content. */
export async function partialsOf(path: string): Promise<readonly string[]> {
  // Without /proc nobody knows which process lives.
  if (statOf(process.pid) === null) return []
  const [folder, prefix] = [dirname(path), prefixOf(path)]
  const names = await readdir(folder).catch((): readonly string[] => [])
  return names.flatMap((name) => {
    const [, pid, startTime] = /^(\d+)-(\d+)\.[0-9a-f]{12}\.partial$/.exec(name.slice(prefix.length)) ?? []
    if (!name.startsWith(prefix) || pid === undefined) return []
    return isRunning({ pid: Number(pid), startTime: Number(startTime) }) ? [] : [join(folder, name)]
  })
}

export async function removePartials(path: string): Promise<void> {
  for (const partial of await partialsOf(path)) await unlink(partial).catch(() => undefined)
}
