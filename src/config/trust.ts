import { stat } from 'node:fs/promises'
import { RunbookError } from '../kernel/errors.ts'

/** The paths that anyone on this machine can write; empty where only owner and group can. */
async function writableByAnyone(paths: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    paths.map(async (path) => {
      const facts = await stat(path).catch(() => null)
      if (facts === null) return []
      // In a sticky folder such as /tmp only the owner of a file can rename or remove it.
      const sticky = facts.isDirectory() && (facts.mode & 0o1000) !== 0
      return (facts.mode & 0o002) !== 0 && !sticky ? [path] : []
    }),
  )
  return [...new Set(found.flat())]
}

/**
 * Called for each path that is loaded although anyone could have written it. Null: such a path is refused.
 */
export type Overridden = ((path: string) => void) | null

/**
 * Loaded code runs with the rights of this user.
 * @throws RunbookError `usage` where anyone on this machine could have written it
 */
export async function refuseWritableByAnyone(
  paths: readonly string[],
  overridden: Overridden,
): Promise<void> {
  const writable = await writableByAnyone(paths)
  if (overridden !== null) return writable.forEach(overridden)
  const [open] = writable
  if (open === undefined) return
  throw new RunbookError('usage', `refused to load ${open}: it is world-writable`, {
    hint: `run \`chmod o-w ${open}\`, or override with --trust-world-writable, which is recorded`,
  })
}
