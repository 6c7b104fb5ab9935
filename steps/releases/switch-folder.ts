import {
  cannot,
  defineStep,
  isPending,
  RunbookError,
  say,
  type Look,
  type ReleaseFolders,
  shellWord,
} from '../../src/index.ts'
import { fileThing, notOurs, requireAsShown } from '../files/lib/ours.ts'
import { folderOf } from '../files/lib/path.ts'
import type { ChosenFolder } from './choose-folder.ts'

type Input = { readonly folders: ReleaseFolders; readonly release: ChosenFolder }

/** The targets of the link before and after, as written in it. */
export type SwitchedLink = { readonly link: string; readonly was: string; readonly is: string }

/**
 * Points the link at the folder of a release, atomically. What runs keeps the folder that it was started
 * with. Undone by linking back.
 */
export const switchFolder = defineStep<Input, SwitchedLink, SwitchedLink>({
  kind: 'releases.switch-folder',
  version: 1,
  effect: 'change',
  describe: ({ folders, release }) =>
    isPending(folders)
      ? 'Points the link at the release.'
      : say`Points ${folders.link} at ${isPending(release) ? release : release.name}, atomically.`,
  survey: async (look, { folders, release }) => {
    const was = await targetOf(look, folders.link)
    const is = linkTo(folders, was, release.name)
    if (was !== is) requireAsShown(folders.link, was, release.link, 'switch')
    return { link: folders.link, was, is }
  },
  predict: ({ before }) => ({
    output: before ?? null,
    changes:
      before === undefined || before.was === before.is
        ? []
        : [`${before.link} points at ${before.is} instead of ${before.was}`],
  }),
  run: async (io, { before }) => {
    const now = await targetOf(io, before.link)
    if (now !== before.was && now !== before.is)
      throw cannot('switch', before.link, `another process pointed it at ${now}`, {
        code: 'failed',
        hint: 'find out who deploys at the same time',
      })
    await io.files.writeLink(before.link, before.is)
    return before
  },
  probe: async (look, { before, way }) => {
    const now = await look.files.linkTarget(before.link)
    if (now === (way === 'back' ? before.was : before.is))
      return way === 'back' ? { is: 'absent' } : { is: 'done', output: before }
    if (now === before.was) return { is: 'absent' }
    return now === before.is
      ? { is: 'done', output: before }
      : { is: 'unknown', why: `${before.link} points at ${now ?? 'nothing'}` }
  },
  undoGuards: ({ before: { link, was, is } }) => [
    {
      of: [fileThing(link)],
      check: async (look) => {
        const now = await look.files.linkTarget(link)
        if (now !== was && now !== is)
          throw notOurs(link, `points at ${now ?? 'nothing'}: somebody else moved it`)
      },
    },
  ],
  undo: async (io, { before: { link, was } }) => io.files.writeLink(link, was),
})

async function targetOf(look: Pick<Look, 'files'>, link: string): Promise<string> {
  const target = await look.files.linkTarget(link)
  if (target === null)
    throw new RunbookError('failed', `${link} is no longer a symbolic link`, {
      hint: `check: ls -ld ${shellWord(link)}`,
    })
  return target
}

/** A relative link stays relative, so that the tree can still be moved as a unit. */
export function linkTo(
  { link, directory }: Pick<ReleaseFolders, 'link' | 'directory'>,
  was: string,
  name: string,
): string {
  const base = folderOf(link)
  const absolute = `${directory}/${name}`
  return !was.startsWith('/') && absolute.startsWith(`${base}/`) ? absolute.slice(base.length + 1) : absolute
}
