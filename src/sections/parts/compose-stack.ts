import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import type { ComposeStack } from '../../drivers/services.ts'
import type { SectionContext } from './section.ts'
import { strict, text, texts, variables } from './values.ts'

export const composeStack = strict({
  kind: z.literal('compose').describe('Services in containers of a Docker Compose project.'),
  project: text.optional().describe('Name of the Compose project, as `docker compose ls` shows it.').meta({
    otherwise:
      'as for `docker compose` itself: `COMPOSE_PROJECT_NAME` in its env files, else the `name` in the files, else that of `directory`',
  }),
  directory: text
    .optional()
    .describe('Folder against which Compose resolves relative paths in its files.')
    .meta({ otherwise: 'the folder of the first file, as for `docker compose` itself' }),
  files: z
    .array(text)
    .min(1, 'expected at least one file')
    .readonly()
    .default(['compose.yml'])
    .describe('Compose files, in the order in which Compose merges them.'),
  envFiles: texts
    .default([])
    .describe('Env files for every call of Compose. Variables of your shell are never used.'),
  profiles: texts.default([]).describe('Compose profiles to enable, such as the one of a smoke test.'),
  environment: variables
    .default({})
    .describe('Variables for every call of Compose; they override the env files.'),
})

export function composeStackOf(raw: z.output<typeof composeStack>, context: SectionContext): ComposeStack {
  const { path } = context
  const files = raw.files.map(path)
  const directory = directoryOf(raw, path)
  const project = raw.project ?? defaultProject(directory, files, projectEnvFiles(raw, path), context)
  return { ...raw, project, directory, files, envFiles: raw.envFiles.map(path) }
}

type Located = {
  readonly directory?: string | undefined
  readonly files: readonly string[]
  readonly envFiles?: readonly string[]
}

const directoryOf = ({ directory, files }: Located, path: (given: string) => string): string =>
  directory === undefined ? dirname(path(files[0] ?? '.')) : path(directory)

/** The env files in which Compose looks for `COMPOSE_PROJECT_NAME`; absolute. */
export const projectEnvFiles = (raw: Located, path: (given: string) => string): readonly string[] =>
  raw.envFiles === undefined || raw.envFiles.length === 0
    ? [join(directoryOf(raw, path), '.env')]
    : raw.envFiles.map(path)

/**
 * `COMPOSE_PROJECT_NAME` of the env files decides, else the last file with a `name`, else the name of the
 * folder; the latter two in the letters that Compose allows (compose-go, loader.NormalizeProjectName).
 */
function defaultProject(
  directory: string,
  files: readonly string[],
  envFiles: readonly string[],
  { projectName, unusable }: SectionContext,
): string {
  const variable = envFiles.map(projectName).findLast((name) => name !== undefined && name !== '')
  if (variable !== undefined) return variable
  const named = files.map(projectName).findLast((name) => name !== undefined)
  const project = (named ?? basename(directory))
    .toLowerCase()
    .replace(/[^-_a-z0-9]/g, '')
    .replace(/^[-_]+/, '')
  if (project !== '' && named?.includes('$') !== true) return project
  throw unusable(
    `its Compose project cannot be derived from ${named === undefined ? directory : `name: ${named}`}`,
    'set stack.project to the name that `docker compose ls` shows',
  )
}
