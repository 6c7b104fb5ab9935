import { readFile } from 'node:fs/promises'
import { readVariable } from '../formats/env-file.ts'
import { absolute, type BasePaths } from '../sections/parts/base-paths.ts'
import { projectEnvFiles } from '../sections/parts/compose-stack.ts'

/**
 * The project names in the files of every Compose stack that has none of its own: the `name:` of its Compose
 * files, and `COMPOSE_PROJECT_NAME` of its env files. A file that is missing or malformed has none here;
 * Compose reports it when it is used.
 * @param config what was configured, with defaults
 */
export async function projectNames(
  config: unknown,
  basePaths: Pick<BasePaths, 'directory' | 'home'>,
): Promise<ReadonlyMap<string, string>> {
  const path = (file: string): string => absolute(file, basePaths)
  const stacks = unnamed(config)
  if (stacks.length === 0) return new Map()
  const { parse } = await import('yaml')
  const nameOf = (text: string): unknown =>
    (parse(text, { logLevel: 'silent' }) as { readonly name?: unknown } | null)?.name
  const variableOf = (text: string): unknown => readVariable(Buffer.from(text), 'COMPOSE_PROJECT_NAME')
  const found = await Promise.all([
    ...stacks.flatMap(({ files }) => files.map((file) => named(path(file), nameOf))),
    ...stacks.flatMap((stack) => projectEnvFiles(stack, path).map((file) => named(file, variableOf))),
  ])
  return new Map(found.flat())
}

async function named(
  file: string,
  nameIn: (text: string) => unknown,
): Promise<readonly (readonly [string, string])[]> {
  try {
    const name = nameIn(await readFile(file, 'utf8'))
    return typeof name === 'string' ? [[file, name]] : []
  } catch {
    return []
  }
}

type Unnamed = {
  readonly files: readonly string[]
  readonly directory?: string
  readonly envFiles?: readonly string[]
}

/** Each stack without a project name, wherever in the configuration it is. */
function unnamed(value: unknown): readonly Unnamed[] {
  if (typeof value !== 'object' || value === null) return []
  const { kind, project, files } = value as {
    readonly kind?: unknown
    readonly project?: unknown
    readonly files?: readonly string[]
  }
  const own = kind === 'compose' && project === undefined ? [{ ...value, files: files ?? [] }] : []
  return [...own, ...Object.values(value).flatMap(unnamed)]
}
