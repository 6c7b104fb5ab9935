import { join } from 'node:path'
import type { FilesView } from '../drivers/files.ts'

/** Compose files that belong together. */
export type FileSet = { readonly directory: string; readonly files: readonly string[] }

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
export async function composeFilesIn(files: FilesView, folder: string): Promise<readonly FileSet[]> {
  const entries = await files.list(folder).catch(() => [])
  const own = setOf(folder, entries)
  if (own !== null) return [own]
  const found = await Promise.all(
    entries
      .filter((name) => below.test(name))
      .map(async (name) => setOf(join(folder, name), await files.list(join(folder, name)).catch(() => []))),
  )
  return found.filter((one) => one !== null)
}

function setOf(directory: string, entries: readonly string[]): FileSet | null {
  const there = (name: string): boolean => entries.includes(name)
  const usual = names.find(there)
  if (usual !== undefined) {
    const over = overrides.find(there)
    return {
      directory,
      files: [usual, ...(over === undefined ? [] : [over])].map((name) => join(directory, name)),
    }
  }
  const others = entries.filter(
    (name) => /^(?:docker-)?compose[.-].*\.ya?ml$/.test(name) && !overrides.includes(name),
  )
  const chosen = others.length === 1 ? others[0] : others.find((name) => /prod/.test(name))
  return chosen === undefined ? null : { directory, files: [join(directory, chosen)] }
}
