import { join } from 'node:path'
import type { FilesView } from '../drivers/files.ts'

/** Compose files that belong together. */
export type FileSet = { readonly directory: string; readonly files: readonly string[] }

export type FoundFiles = {
  readonly sets: readonly FileSet[]
  /** Names of files of which Compose itself would read none, and of which none is the obvious one. */
  readonly unclear: readonly string[]
}

/** In the order in which Compose prefers them (compose-spec, 00-overview). */
const names = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml']
const overrides = [
  'compose.override.yaml',
  'compose.override.yml',
  'docker-compose.override.yaml',
  'docker-compose.override.yml',
]

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
  const usual = names.find((name) => entries.includes(name))
  const over = overrides.find((name) => entries.includes(name))
  if (usual !== undefined) return over === undefined ? set(usual) : set(usual, over)
  const others = entries.filter(
    (name) => /^(?:docker-)?compose[._-].*\.ya?ml$/.test(name) && !overrides.includes(name),
  )
  const [only, second] = others
  if (only !== undefined && second === undefined) return set(only)
  const live = others.filter((name) => /prod/.test(name))
  const [first, another] = live
  return first !== undefined && another === undefined ? set(first) : { sets: [], unclear: others }
}
