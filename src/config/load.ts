import { existsSync } from 'node:fs'
import { homedir, hostname } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { cosmiconfig } from 'cosmiconfig'
import { hintOf, RunbookError } from '../kernel/errors.ts'
import { mistakes } from './issues.ts'
import { projectNames } from './project-names.ts'
import { configSchema, type ParsedConfig } from './schema.ts'
import { absolute, type BasePaths } from '../sections/parts/base-paths.ts'
import type { Trust } from './trust.ts'

/** A valid configuration with absolute folders. */
export type Loaded = {
  readonly file: string
  readonly config: ParsedConfig
  readonly basePaths: BasePaths
  /** The configured folders; else `runbooks` beside the configuration, where it exists. */
  readonly runbooks: readonly string[]
  readonly artifacts: string
  readonly state: string
  /** Path of the story files with `{story}` in it; null where none are kept. */
  readonly stories: string | null
}

export type LoadRequest = {
  /** Where the search starts; it goes up to the root of the repository. */
  readonly directory: string
  /** Read instead of searching. */
  readonly file?: string | undefined
  readonly environment: { readonly [name: string]: string | undefined }
  /** Decides whether the file may be executed. */
  readonly trust: Pick<Trust, 'check'>
}

const fileName = 'runbook.config.ts'

const typescriptHint = 'Node reads it as TypeScript with its types stripped: use erasable syntax only'

/**
 * @throws RunbookError `usage` for a configuration that is missing, does not load or is not valid, or that
 * others could have written
 */
export async function loadConfig(request: LoadRequest): Promise<Loaded> {
  const found = await read(request)
  if (found === null) {
    throw new RunbookError('usage', `${fileName} not found in ${request.directory} or above it`, {
      hint: 'change to the folder of your runbooks, or pass --config FILE',
    })
  }
  // It is checked once: compiling the checks takes longer than they do.
  const parsed = configSchema.safeParse(found.config, { jitless: true })
  if (!parsed.success) {
    throw new RunbookError(
      'usage',
      `cannot use ${found.filepath}:\n${mistakes(parsed.error, found.config)
        .map((line) => `  ${line}`)
        .join('\n')}`,
      {
        hint: 'fix the settings listed; nothing was done',
      },
    )
  }
  return placed(found.filepath, parsed.data, request.environment)
}

async function read({
  directory,
  file,
  trust,
}: LoadRequest): Promise<{ readonly filepath: string; readonly config: unknown } | null> {
  // The loaders of cosmiconfig would execute a file that fails a second time, and hide its error.
  const trusting = async (path: string): Promise<unknown> => {
    trust.check(path)
    try {
      return ((await import(pathToFileURL(path).href)) as { readonly default?: unknown }).default
    } catch (cause) {
      throw new RunbookError('usage', `cannot load ${path}`, { cause, hint: hintOf(cause) ?? typescriptHint })
    }
  }
  const explorer = cosmiconfig('runbook', {
    searchPlaces: [fileName],
    searchStrategy: 'global',
    stopDir: rootOf(directory),
    cache: false,
    loaders: Object.fromEntries(['.ts', '.js', '.mjs', '.cjs'].map((ending) => [ending, trusting])),
  })
  try {
    if (file === undefined) {
      const found = await explorer.search(directory)
      // cosmiconfig's `global` strategy also searches per-user folders, which have no TypeScript
      // configuration of ours.
      return found === null || !found.filepath.endsWith(fileName) ? null : empty(found)
    }
    return empty(await explorer.load(resolve(directory, file)))
  } catch (thrown) {
    if (thrown instanceof RunbookError) throw thrown
    const missing = (thrown as NodeJS.ErrnoException).code === 'ENOENT'
    const name = file ?? (thrown as { readonly filepath?: string }).filepath ?? fileName
    throw new RunbookError('usage', `cannot load ${name}`, {
      cause: thrown,
      hint: missing ? 'check the path after --config' : typescriptHint,
    })
  }
}

function empty(
  found: {
    readonly filepath: string
    readonly config: unknown
    readonly isEmpty?: boolean | undefined
  } | null,
): { readonly filepath: string; readonly config: unknown } | null {
  if (found === null || found.isEmpty !== true) return found
  throw new RunbookError('usage', `${found.filepath} exports nothing`, {
    hint: 'start with `export default defineConfig({ targets: { … } })`',
  })
}

/** The nearest folder with `.git`, else the root folder. */
function rootOf(directory: string): string {
  for (let here = resolve(directory); ; here = dirname(here)) {
    if (existsSync(join(here, '.git')) || here === dirname(here)) return here
  }
}

async function placed(
  file: string,
  config: ParsedConfig,
  environment: LoadRequest['environment'],
): Promise<Loaded> {
  const folders = { directory: dirname(file), home: homedir() }
  const xdg = environment['XDG_STATE_HOME']
  // XDG Base Directory Specification: a relative path is invalid and must be ignored.
  const states = xdg?.startsWith('/') === true ? xdg : join(folders.home, '.local', 'state')
  const state = config.state === undefined ? join(states, 'runbook') : absolute(config.state, folders)
  const basePaths: BasePaths = {
    ...folders,
    host: hostname(),
    state,
    projectNames: await projectNames(config.targets, folders),
  }
  return {
    file,
    config,
    basePaths,
    runbooks:
      config.runbooks?.map((folder) => absolute(folder, basePaths)) ??
      [absolute('./runbooks', basePaths)].filter((folder) => existsSync(folder)),
    artifacts: absolute(config.artifacts, basePaths),
    state,
    stories: config.stories === undefined ? null : absolute(config.stories.files, basePaths),
  }
}
