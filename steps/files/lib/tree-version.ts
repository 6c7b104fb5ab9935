import { digestOf, RunbookError, shellWord, type Look } from '../../../src/index.ts'

/**
 * Changes with every name, kind, size, mode, owner, inode and time of modification below a path. Reads no contents: it
 * is taken again while a service is down.
 */
export async function treeVersionOf(look: Pick<Look, 'files' | 'signal'>, top: string): Promise<string> {
  look.signal.throwIfAborted()
  const facts = await look.files.stat(top)
  if (facts === null) return 'missing'
  const within: [name: string, version: string][] = []
  if (facts.kind === 'directory')
    for (const name of await look.files.list(top))
      within.push([name, await treeVersionOf(look, `${top}/${name}`)])
  const target = facts.kind === 'link' ? await look.files.linkTarget(top) : null
  return digestOf([facts, target, within])
}

/** @throws RunbookError `verification` where a tree is not as it was; a version that is not known is not compared */
export async function requireSameTree(
  look: Pick<Look, 'files' | 'signal'>,
  path: string,
  was: string | undefined,
  since: string,
): Promise<void> {
  if (was === undefined || (await treeVersionOf(look, path)) === was) return
  throw new RunbookError(
    'verification',
    `${path} was changed after ${since}: it is no longer what was verified`,
    {
      hint: `find out what wrote to it: ls -lR ${shellWord(path)}; then start a new run, which unpacks it again`,
    },
  )
}
