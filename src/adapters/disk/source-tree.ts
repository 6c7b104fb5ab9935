import { isUtf8 } from 'node:buffer'
import type { Stats } from 'node:fs'
import { lstat, readdir, readlink, realpath, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Packing } from '../../drivers/archives.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { excluded, excludedWithParents } from '../../formats/exclusion.ts'
import { statOf } from './place.ts'

/**
 * A file or folder to pack. `path` is relative to the folder, empty for the folder itself; `at` is its
 * resolved path.
 */
export type Source = {
  readonly path: string
  readonly at: string
  readonly kind: 'file' | 'folder'
  readonly facts: Stats
}

export type Sources = { readonly members: readonly Source[]; readonly notes: readonly string[] }

/** Walks a folder, or finds the listed files in it. Sorted by path, so parents come first. */
export async function sourcesOf(
  { folder, only, exclude }: Packing,
  leaveOut: readonly string[],
): Promise<Sources> {
  const top = await realpath(folder)
  if (!(await stat(top)).isDirectory())
    throw packError(folder, 'not a folder', `check: ls -ld ${shellWord(folder)}`)
  const found = new Map<string, Source>([['', { path: '', at: top, kind: 'folder', facts: await stat(top) }]])
  const notes: string[] = []

  const take = async (path: string, listed: boolean): Promise<boolean> => {
    const at = join(top, path)
    const facts = await statOf(at)
    if (facts === null)
      throw packError(folder, `${shellWord(path)} not found`, 'it may have been removed just now: try again')
    if (facts.isSymbolicLink()) found.set(path, await fileBehind(folder, top, path))
    else if (facts.isFile()) found.set(path, { path, at, kind: 'file', facts })
    else if (facts.isDirectory() && listed)
      throw packError(
        folder,
        `${shellWord(path)} is a folder, but listed as a file`,
        `check whether it is a submodule: ls -la ${shellWord(at)}`,
      )
    else if (facts.isDirectory()) found.set(path, { path, at, kind: 'folder', facts })
    else
      notes.push(
        `${shellWord(path)} is a ${facts.isSocket() ? 'socket' : facts.isFIFO() ? 'pipe' : 'device'} and was left out`,
      )
    return facts.isDirectory()
  }

  const walk = async (path: string): Promise<void> => {
    const names = await readdir(join(top, path), { encoding: 'buffer' })
    for (const { name, bytes } of names
      .map((bytes) => ({ name: bytes.toString(), bytes }))
      .sort((one, other) => (one.name < other.name ? -1 : 1))) {
      const below = path === '' ? name : `${path}/${name}`
      if (excluded(below, exclude) || leaveOut.includes(join(top, below))) continue
      if (!isUtf8(bytes))
        throw packError(
          folder,
          `the name ${JSON.stringify(below)} is not valid UTF-8 (bytes ${bytes.toString('hex')}), which a portable archive cannot hold`,
          `exclude it, or rename it: find ${shellWord(join(top, path))} -maxdepth 1 -inum ${(await lstat(Buffer.concat([Buffer.from(`${join(top, path)}/`), bytes]))).ino}`,
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
          `${shellWord(path)} is not a path inside it`,
          'give paths relative to the folder',
        )
      for (let parent = dirname(path); parent !== '.' && !found.has(parent); parent = dirname(parent)) {
        const facts = await statOf(join(top, parent))
        if (facts === null || !facts.isDirectory())
          throw packError(
            folder,
            `${shellWord(path)} not found`,
            `check: ls -ld ${shellWord(join(top, parent))}`,
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

/**
 * Extraction refuses links, so a link to a file in the same tree is packed as that file; other links are
 * refused.
 */
async function fileBehind(folder: string, top: string, path: string): Promise<Source> {
  const hint = `exclude it, or replace it by its target: ls -l ${shellWord(join(folder, path))}`
  const at = await realpath(join(top, path)).catch(() => null)
  if (at === null)
    throw packError(
      folder,
      `${shellWord(path)} is a link to a missing file, ${shellWord(await readlink(join(top, path)))}`,
      `exclude it, as for the lock of a running program, or remove it: ls -l ${shellWord(join(folder, path))}`,
    )
  if (!at.startsWith(`${top}/`))
    throw packError(folder, `${shellWord(path)} is a link out of the folder, to ${shellWord(at)}`, hint)
  const facts = await stat(at)
  if (!facts.isFile())
    throw packError(
      folder,
      `${shellWord(path)} is a link to ${facts.isDirectory() ? 'a folder' : 'something that is not a regular file'}`,
      hint,
    )
  return { path, at, kind: 'file', facts }
}

export const packError = (folder: string, why: string, hint: string): RunbookError =>
  new RunbookError('failed', `cannot pack ${shellWord(folder)}: ${why}`, { hint })
