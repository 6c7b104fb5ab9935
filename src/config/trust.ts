import { stat } from 'node:fs/promises'
import { RunbookError } from '../kernel/errors.ts'

/** Why each path is not to be trusted; empty where only its owner and group can change it. */
async function writableByAnyone(paths: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(
    paths.map(async (path) => {
      const facts = await stat(path).catch(() => null)
      if (facts === null) return []
      // In a sticky folder, such as /tmp, nobody can replace what is another's.
      const sticky = facts.isDirectory() && (facts.mode & 0o1000) !== 0
      return (facts.mode & 0o002) !== 0 && !sticky ? [path] : []
    }),
  )
  return [...new Set(found.flat())]
}

/** Told of each path that is loaded although anybody could have written it. Null: such a path is refused. */
export type Overridden = ((path: string) => void) | null

/** What is loaded here is run with our rights. @throws RunbookError `usage` where anybody on this machine could have written it */
export async function refuseWritableByAnyone(
  paths: readonly string[],
  overridden: Overridden,
): Promise<void> {
  const writable = await writableByAnyone(paths)
  if (overridden !== null) return writable.forEach(overridden)
  const [open] = writable
  if (open === undefined) return
  throw new RunbookError('usage', `will not load from ${open}: everybody on this machine can write to it`, {
    hint: `take that right away with \`chmod o-w ${open}\`, or go on regardless with --trust-world-writable, which is recorded`,
  })
}
