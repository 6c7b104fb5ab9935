import {
  digestOf,
  RunbookError,
  shellWord,
  type FileFacts,
  type JsonObject,
  type Look,
} from '../../../src/index.ts'

/**
 * Changes with every name, kind, size, mode, owner, inode, time of modification and time of change (ctime) below a path.
 * Reads no contents: it is taken again while a service is down. The time of change is what a write shows that keeps the
 * size and sets the time of modification back. A rename changes that of what is renamed.
 */
export const treeVersionOf = async (look: Pick<Look, 'files' | 'signal'>, top: string): Promise<string> =>
  `${withChanges}${await digestBelow(look, top, (facts) => facts)}`

/** The versions in journals of earlier versions lack it: they had no time of change. */
const withChanges = 'ctime '

async function digestBelow(
  look: Pick<Look, 'files' | 'signal'>,
  top: string,
  counted: (facts: FileFacts) => JsonObject,
): Promise<string> {
  look.signal.throwIfAborted()
  const facts = await look.files.stat(top)
  if (facts === null) return 'missing'
  const within: [name: string, digest: string][] = []
  if (facts.kind === 'directory')
    for (const name of await look.files.list(top))
      within.push([name, await digestBelow(look, `${top}/${name}`, counted)])
  const target = facts.kind === 'link' ? await look.files.linkTarget(top) : null
  return digestOf([counted(facts), target, within])
}

/** Whether a tree is as it was when its version was taken, also by an earlier version of the program. */
export async function isSameTree(
  look: Pick<Look, 'files' | 'signal'>,
  path: string,
  was: string,
): Promise<boolean> {
  if (was.startsWith(withChanges)) return (await treeVersionOf(look, path)) === was
  return (await digestBelow(look, path, ({ changedAt: _changedAt, ...before }) => before)) === was
}

/** @throws RunbookError `verification` where a tree is not as it was; a version that is not known is not compared */
export async function requireSameTree(
  look: Pick<Look, 'files' | 'signal'>,
  path: string,
  was: string | undefined,
  since: string,
): Promise<void> {
  if (was === undefined || (await isSameTree(look, path, was))) return
  throw new RunbookError(
    'verification',
    `${path} was changed after ${since}: it is no longer what was verified`,
    {
      hint: `find out what wrote to it: ls -lcR ${shellWord(path)} shows when each file was last changed; then start a new run, which unpacks it again`,
    },
  )
}
