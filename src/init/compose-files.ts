import { join } from 'node:path'
import type { FilesView } from '../drivers/files.ts'
import { composeNamesIn, composeOverrides } from '../formats/compose-names.ts'

/** Compose files that belong together. */
export type FileSet = { readonly directory: string; readonly files: readonly string[] }

export type FoundFiles = {
  readonly sets: readonly FileSet[]
  /** Names of files of which Compose itself would read none, and of which none is the obvious one. */
  readonly unclear: readonly string[]
}

/** Folders below a project in which its Compose files may be. */
const below = /^(?:infra|deploy|deployment|docker|compose|ops|server|\.docker|production|prod)$/i

/** The Compose files of a folder; of the folders for deployment below it if it has none. */
export async function composeFilesIn(files: FilesView, folder: string): Promise<FoundFiles> {
  const entries = await files.list(folder).catch(() => [])
  const own = filesOf(folder, entries)
  if (own.sets.length + own.unclear.length > 0) return own
  const found = await Promise.all(
    entries
      .filter((name) => below.test(name))
      .map(async (name) => filesOf(join(folder, name), await files.list(join(folder, name)).catch(() => []))),
  )
  return {
    sets: found.flatMap(({ sets }) => sets),
    unclear: found.flatMap(({ unclear }) => unclear),
  }
}

function filesOf(directory: string, entries: readonly string[]): FoundFiles {
  const set = (...chosen: readonly string[]): FoundFiles => ({
    sets: [{ directory, files: chosen.map((name) => join(directory, name)) }],
    unclear: [],
  })
  const usual = composeNamesIn(entries)
  if (usual.length > 0) return set(...usual)
  const others = entries.filter(
    (name) => /^(?:docker-)?compose[._-].*\.ya?ml$/.test(name) && !composeOverrides.includes(name),
  )
  const [only, second] = others
  if (only !== undefined && second === undefined) return set(only)
  const live = others.filter((name) => /prod/.test(name))
  const [first, another] = live
  return first !== undefined && another === undefined ? set(first) : { sets: [], unclear: others }
}
