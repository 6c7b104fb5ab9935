import { readFile } from 'node:fs/promises'
import { absolute, type BasePaths } from '../sections/parts/base-paths.ts'

/**
 * The `name:` of the files of every Compose stack that has no project name of its own. A file that is missing
 * or malformed has none here; Compose reports it when it is used.
 * @param config what was configured, with defaults
 */
export async function projectNames(
  config: unknown,
  basePaths: Pick<BasePaths, 'directory' | 'home'>,
): Promise<ReadonlyMap<string, string>> {
  const files = new Set(
    unnamed(config)
      .flat()
      .map((file) => absolute(file, basePaths)),
  )
  if (files.size === 0) return new Map()
  const { parse } = await import('yaml')
  const names = await Promise.all(
    [...files].map(async (file) => {
      try {
        const parsed = parse(await readFile(file, 'utf8'), { logLevel: 'silent' }) as {
          readonly name?: unknown
        }
        return typeof parsed?.name === 'string' ? [[file, parsed.name] as const] : []
      } catch {
        return []
      }
    }),
  )
  return new Map(names.flat())
}

/** The files of each stack without a project name, wherever in the configuration it is. */
function unnamed(value: unknown): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return []
  const { kind, project, files } = value as {
    readonly kind?: unknown
    readonly project?: unknown
    readonly files?: readonly string[]
  }
  const own = kind === 'compose' && project === undefined ? [files ?? []] : []
  return [...own, ...Object.values(value).flatMap(unnamed)]
}
