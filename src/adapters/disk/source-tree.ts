import type { Stats } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Packing } from '../../drivers/archives.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { excluded, excludedWithParents } from '../../formats/exclusion.ts'
import { statOf } from './place.ts'

/** What is to be packed. `path` is relative to the folder, empty for the folder itself; `at` is where the bytes are, past any link. */
export type Source = {
  readonly path: string
  readonly at: string
  readonly kind: 'file' | 'folder'
  readonly facts: Stats
}

export type Sources = { readonly members: readonly Source[]; readonly notes: readonly string[] }

/** Walks a folder, or looks up a list of files in it. Parents stand before what they hold; the order is that of the paths. */
export async function sourcesOf(
  { folder, only, exclude }: Packing,
  leaveOut: readonly string[],
): Promise<Sources> {
  const top = await realpath(folder)
  if (!(await stat(top)).isDirectory())
    throw packError(folder, 'it is no folder', `look: ls -ld ${shellWord(folder)}`)
  const found = new Map<string, Source>([['', { path: '', at: top, kind: 'folder', facts: await stat(top) }]])
  const notes: string[] = []

  const take = async (path: string, listed: boolean): Promise<boolean> => {
    const at = join(top, path)
    const facts = await statOf(at)
    if (facts === null)
      throw packError(folder, `${shellWord(path)} is not there`, 'was it removed a moment ago? try again')
    if (facts.isSymbolicLink()) found.set(path, await fileBehind(folder, top, path))
    else if (facts.isFile()) found.set(path, { path, at, kind: 'file', facts })
    else if (facts.isDirectory() && listed)
      throw packError(
        folder,
        `${shellWord(path)} is a folder, and a file was to be packed`,
        `is it a submodule? look: ls -la ${shellWord(at)}`,
      )
    else if (facts.isDirectory()) found.set(path, { path, at, kind: 'folder', facts })
    else
      notes.push(
        `${shellWord(path)} is a ${facts.isSocket() ? 'socket' : facts.isFIFO() ? 'pipe' : 'device'}, and was left out`,
      )
    return facts.isDirectory()
  }

  const walk = async (path: string): Promise<void> => {
    for (const name of (await readdir(join(top, path))).sort()) {
      const below = path === '' ? name : `${path}/${name}`
      if (excluded(below, exclude) || leaveOut.includes(join(top, below))) continue
      if (name.includes('\uFFFD'))
        throw packError(
          folder,
          `${shellWord(below)} is a name that is no UTF-8 text`,
          'rename it, or exclude it',
        )
      if (await take(below, false)) await walk(below)
    }
  }

  if (only === null) await walk('')
  else {
    for (const path of only.filter(
      (one) => !excludedWithParents(one, exclude) && !leaveOut.includes(join(top, one)),
    )) {
      if (path.startsWith('/') || path.split('/').some((part) => ['', '.', '..'].includes(part)))
        throw packError(
          folder,
          `${shellWord(path)} is no path within it`,
          'name files relative to the folder',
        )
      for (let parent = dirname(path); parent !== '.' && !found.has(parent); parent = dirname(parent)) {
        const facts = await statOf(join(top, parent))
        if (facts === null || !facts.isDirectory())
          throw packError(
            folder,
            `${shellWord(path)} is not there`,
            `look: ls -ld ${shellWord(join(top, parent))}`,
          )
        found.set(parent, { path: parent, at: join(top, parent), kind: 'folder', facts })
      }
      await take(path, true)
    }
  }
  const members = [...found.values()].sort((one, other) =>
    one.path < other.path ? -1 : one.path > other.path ? 1 : 0,
  )
  return { members, notes }
}

/** Unpacking refuses links, so a link to a file of the same tree is packed as that file, and no other link at all. */
async function fileBehind(folder: string, top: string, path: string): Promise<Source> {
  const hint = `exclude it, or put what it points to in its place: ls -l ${shellWord(join(folder, path))}`
  const at = await realpath(join(top, path)).catch(() => null)
  if (at === null) throw packError(folder, `${shellWord(path)} is a link to nothing`, hint)
  if (!at.startsWith(`${top}/`))
    throw packError(folder, `${shellWord(path)} is a link out of the folder, to ${shellWord(at)}`, hint)
  const facts = await stat(at)
  if (!facts.isFile())
    throw packError(
      folder,
      `${shellWord(path)} is a link to ${facts.isDirectory() ? 'a folder' : 'something that is no file'}`,
      hint,
    )
  return { path, at, kind: 'file', facts }
}

export const packError = (folder: string, why: string, hint: string): RunbookError =>
  new RunbookError('failed', `could not pack ${shellWord(folder)}: ${why}`, { hint })
