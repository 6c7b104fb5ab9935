import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ComposeStack, DeclaredChange, FileEdit } from '../../drivers/services.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import { sameJson, type Json, type JsonObject } from '../../kernel/json.ts'
import { withNamelessFile } from '../disk/nameless-file.ts'
import type { Compose } from './compose.ts'
import type { EnvironmentFiles } from './compose-config.ts'
import { resolved } from './containers.ts'

/** The stack as Compose reads it after an edit. */
type Edited = {
  readonly read: ComposeStack
  /** Path by which Compose reads the edited file. */
  readonly path: string
  /** Whether a path leads to the edited file. */
  readonly isEdited: (path: string) => Promise<boolean>
}

/**
 * Works on a stack in which the edited file takes the place of the present one, of a Compose file or an env
 * file of the stack. Relative paths in it keep their meaning, since the folder of the stack is always given.
 */
export async function edited<T>(
  stack: ComposeStack,
  edit: FileEdit,
  work: (edited: Edited) => Promise<T>,
): Promise<T> {
  const file = await resolved(edit.file)
  const isEdited = async (path: string): Promise<boolean> => (await resolved(path)) === file
  return withNamelessFile(edit.body, async (path) => {
    const swapped = (paths: readonly string[]): Promise<readonly string[]> =>
      Promise.all(paths.map(async (one) => ((await isEdited(one)) ? path : one)))
    const envFiles = await swapped(stack.envFiles)
    // Without env files of the stack, Compose reads the one of its folder.
    const standard = stack.envFiles.length === 0 && (await isEdited(join(stack.directory, '.env')))
    const read = {
      ...stack,
      files: await swapped(stack.files),
      envFiles: standard ? [path] : envFiles,
    }
    try {
      return await work({ read, path, isEdited })
    } catch (thrown) {
      if (!(thrown instanceof RunbookError) || !thrown.message.includes(path)) throw thrown
      throw new RunbookError(thrown.code, thrown.message.replaceAll(path, `${edit.file} (as edited)`), {
        hint: `check the edit of ${edit.file}`,
        cause: thrown,
      })
    }
  })
}

/** What Compose makes of the stack's files after an edit, compared with what it makes of them now. */
export async function declaredChanges(
  command: Compose,
  stack: ComposeStack,
  edit: FileEdit,
): Promise<readonly DeclaredChange[] | null> {
  const was = await command.document(stack)
  return edited(stack, edit, async ({ read, path, isEdited }) => {
    const readers = await readersOf(await command.environmentFiles(stack), isEdited)
    const known = !sameJson([read.files, read.envFiles], [stack.files, stack.envFiles]) || readers.size > 0
    if (!known) return null
    const is = await documentAfter(command, read, overrideWith(readers, path), edit)
    const renamed = await renames(command, { stack, read }, edit)
    return [...changesBetween(was, is), ...(renamed ? [{ service: null, path: 'name' }] : [])]
  })
}

/**
 * Whether Compose, which is given the name of the project here, would derive another one from the edited files. A name
 * that it does not derive from them now does not depend on them.
 */
async function renames(
  command: Compose,
  { stack, read }: { readonly stack: ComposeStack; readonly read: ComposeStack },
  { file, body }: FileEdit,
): Promise<boolean> {
  const present = await readFile(file, 'latin1').catch(() => '')
  if (namingLines(present) === namingLines(Buffer.from(body).toString('latin1'))) return false
  const derived = async (files: ComposeStack): Promise<unknown> =>
    (await command.document({ ...files, project: '' }))['name']
  return (await derived(stack)) === stack.project && (await derived(read)) !== stack.project
}

const namingLines = (text: string): string =>
  text
    .split('\n')
    .filter((line) => /\bname\b|COMPOSE_PROJECT_NAME/.test(line))
    .join('\n')

async function documentAfter(
  command: Compose,
  read: ComposeStack,
  override: string | undefined,
  { file }: FileEdit,
): Promise<JsonObject> {
  try {
    return await command.document(read, override)
  } catch (thrown) {
    if (!(thrown instanceof RunbookError)) throw thrown
    throw cannot('edit', file, `Compose would refuse the stack afterwards: ${thrown.message}`, {
      code: 'preflight',
      hint: `check the edit of ${file}`,
      cause: thrown,
    })
  }
}

type Reader = { readonly entry: JsonObject; readonly isEdited: boolean }

/** The services whose `env_file` names the edited file. */
async function readersOf(
  all: EnvironmentFiles,
  isEdited: (path: string) => Promise<boolean>,
): Promise<ReadonlyMap<string, readonly Reader[]>> {
  const services = await Promise.all(
    [...all].map(async ([service, files]) => {
      const entries = files.map(async (entry) => ({ entry, isEdited: await isEdited(entry.path) }))
      return [service, await Promise.all(entries)] as const
    }),
  )
  return new Map(services.filter(([, entries]) => entries.some((one) => one.isEdited)))
}

/** A Compose file in which these services read the edited file in place of the present one. */
function overrideWith(readers: ReadonlyMap<string, readonly Reader[]>, path: string): string | undefined {
  if (readers.size === 0) return undefined
  const services = [...readers].map(([service, entries]) => {
    const files = entries.map(({ entry, isEdited }) => ({
      ...entry,
      path: isEdited ? path : String(entry['path']).replaceAll('$', () => '$$'),
    }))
    // Compose appends lists of later files otherwise. JSON is YAML, but for the tag.
    return `  ${JSON.stringify(service)}: { env_file: !override ${JSON.stringify(files)} }`
  })
  return ['services:', ...services, ''].join('\n')
}

/** Services first, then what they share. Extension fields have no effect of their own. */
function changesBetween(was: JsonObject, is: JsonObject): readonly DeclaredChange[] {
  const { services: before = {}, ...sharedBefore } = was
  const { services: after = {}, ...sharedAfter } = is
  return [
    ...keysOf(before, after).flatMap((service) =>
      pathsBetween(valueOf(before, service), valueOf(after, service)).map((path) => ({ service, path })),
    ),
    ...pathsBetween(sharedBefore, sharedAfter)
      .filter((path) => !path.startsWith('x-'))
      .map((path) => ({ service: null, path })),
  ]
}

/** Where two values differ, lists as one; what is missing in an object counts as empty. */
function pathsBetween(was: Json | undefined, is: Json | undefined): readonly string[] {
  if (!isObject(was) || !isObject(is))
    return was !== undefined && is !== undefined && sameJson(was, is) ? [] : ['']
  return keysOf(was, is).flatMap((key) => {
    const [before, after] = [valueOf(was, key), valueOf(is, key)]
    const paths = pathsBetween(
      isObject(after) ? (before ?? {}) : before,
      isObject(before) ? (after ?? {}) : after,
    )
    return paths.map((path) => (path === '' ? key : `${key}.${path}`))
  })
}

const keysOf = (one: Json, other: Json): readonly string[] =>
  [...new Set([one, other].flatMap((each) => (isObject(each) ? Object.keys(each) : [])))].toSorted()

const valueOf = (object: Json, key: string): Json | undefined =>
  isObject(object) && Object.hasOwn(object, key) ? object[key] : undefined

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
