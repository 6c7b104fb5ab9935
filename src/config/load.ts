import { shellWord } from '../kernel/shell-quote.ts'
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { homedir, hostname } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { cosmiconfig } from 'cosmiconfig'
import { defaultExport } from '../kernel/default-export.ts'
import { RunbookError } from '../kernel/errors.ts'
import { loadHint } from './load-hint.ts'
import { parsedConfig } from './parse.ts'
import { projectNames } from './project-names.ts'
import type { ParsedConfig } from './schema.ts'
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

const fileNames = ['ts', 'mts', 'js', 'mjs'].map((ending) => `runbook.config.${ending}`)
const [fileName] = fileNames

/**
 * @throws RunbookError `usage` for a configuration that is missing, does not load or is not valid, or that
 * others could have written
 */
export async function loadConfig(request: LoadRequest): Promise<Loaded> {
  const found = await read(request)
  if (found === null) {
    throw new RunbookError('usage', `${fileName} not found in ${request.directory} or above it`, {
      hint: await hintWithout(request.directory),
    })
  }
  return placed(found.filepath, parsedConfig(found.config, found.filepath), request.environment)
}

async function read({
  directory,
  file,
  trust,
}: LoadRequest): Promise<{ readonly filepath: string; readonly config: unknown } | null> {
  // The loaders of cosmiconfig would execute a file that fails a second time, and hide its error.
  const trusting = async (path: string): Promise<unknown> => {
    if (file === undefined) refuseSeveral(path)
    trust.check(path)
    try {
      return defaultExport(await import(pathToFileURL(path).href))
    } catch (cause) {
      throw new RunbookError('usage', `cannot load ${path}`, { cause, hint: await loadHint(cause, path) })
    }
  }
  const explorer = cosmiconfig('runbook', {
    searchPlaces: fileNames,
    searchStrategy: 'global',
    stopDir: rootOf(directory),
    cache: false,
    loaders: Object.fromEntries(
      ['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs'].map((ending) => [ending, trusting]),
    ),
  })
  try {
    if (file === undefined) {
      const found = await explorer.search(directory)
      // cosmiconfig's `global` strategy also searches per-user folders, which have no configuration of ours.
      return found === null || !fileNames.includes(basename(found.filepath)) ? null : empty(found)
    }
    return empty(await explorer.load(resolve(directory, file)))
  } catch (thrown) {
    if (thrown instanceof RunbookError) throw thrown
    const missing = (thrown as NodeJS.ErrnoException).code === 'ENOENT'
    const name = file ?? (thrown as { readonly filepath?: string }).filepath ?? String(fileName)
    throw new RunbookError('usage', `cannot load ${name}`, {
      cause: thrown,
      hint: missing
        ? 'check the path after --config'
        : `name it ${fileNames.join(', ')}, or another name with one of these endings`,
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

/** Which of two counts is not for this program to guess. */
function refuseSeveral(path: string): void {
  const folder = dirname(path)
  const several = fileNames.filter((name) => existsSync(join(folder, name)))
  if (several.length < 2) return
  throw new RunbookError('usage', `more than one configuration in ${folder}: ${several.join(', ')}`, {
    hint: 'keep one of them, or name the one to use: --config FILE',
  })
}

/** Names a file that is nearly called as it must be, in this folder. */
async function hintWithout(directory: string): Promise<string> {
  const names = await readdir(directory).catch(() => [])
  const near = names.find((name) => /^runbook\.?config\.\w+$/.test(name))
  return near === undefined
    ? 'change to the folder of your configuration, pass --config FILE, or write one: `runbook init`'
    : `there is ${near}: name it ${fileNames.join(', ')}, or pass --config ${shellWord(near)}`
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
