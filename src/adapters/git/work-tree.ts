import { realpath } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import type { WorkTree } from '../../drivers/git.ts'
import { statOf } from '../disk/place.ts'

/** The top of a work tree, and a folder in it, relative to the top; empty for the top itself. */
export type Top = { readonly folder: string; readonly below: string }

/**
 * Where git would find the repository: in the nearest folder above with a `.git`. Without one there is no need to
 * start git, which would say the same.
 */
export async function topOf(directory: string): Promise<Top | null> {
  const at = await realpath(directory)
  for (let folder = at; ; folder = dirname(folder)) {
    if ((await statOf(join(folder, '.git'))) !== null) return { folder, below: relative(folder, at) }
    if (folder === dirname(folder)) return null
  }
}

/** `--work-tree`, so that the paths of the answer are relative to the folder that was found. */
export const statusOf = (top: string, below: readonly string[]): readonly string[] => [
  `--work-tree=${top}`,
  'status',
  '--porcelain=v2',
  '--branch',
  '-z',
  '--no-renames',
  '--untracked-files=all',
  '--ignored=matching',
  '--',
  ...new Set(below.map((folder) => (folder === '' ? '.' : folder))),
]

/** git-status(1), porcelain format version 2. The paths of a changed file follow 8 fields, those of a conflict 10. */
const changes: { readonly [kind: string]: number } = { '1': 8, u: 10 }

export function workTreeIn(lines: readonly string[], below: string): WorkTree {
  const changed: string[] = []
  const untracked: string[] = []
  const ignored: string[] = []
  let sha: string | null = null
  for (const line of lines) {
    const [kind = ''] = line.split(' ', 1)
    if (kind === '?') untracked.push(line.slice(2))
    else if (kind === '!') ignored.push(line.slice(2).replace(/\/$/, ''))
    else if (kind in changes) changed.push(line.split(' ').slice(changes[kind]).join(' '))
    else if (line.startsWith('# branch.oid ')) sha = /^[0-9a-f]{40,}$/.exec(line.slice(13))?.[0] ?? null
  }
  const inside = (paths: readonly string[]): readonly string[] =>
    paths
      .filter((path) => below === '' || path.startsWith(`${below}/`))
      .map((path) => (below === '' ? path : path.slice(below.length + 1)))
      .sort()
  // What git ignores above the folder is named instead of the folder.
  const covered = ignored.some((path) => path === below || below.startsWith(`${path}/`))
  return {
    sha,
    changed: inside(changed),
    untracked: inside(untracked),
    ignored: covered ? ['.'] : inside(ignored),
  }
}
