import { parse as parseToml } from 'smol-toml'
import { parse as parseYaml } from 'yaml'
import {
  defineStep,
  failureOf,
  isPending,
  RunbookError,
  sameJson,
  say,
  type Json,
  type JsonObject,
  type KeyFile,
  type Look,
} from '../../src/index.ts'
import { requireSameTree } from './lib/tree-version.ts'
import { versionOf, type Unpacked } from './unpack.ts'

type Input = {
  readonly root: string
  readonly files: readonly KeyFile[]
  /** The unpacked folder that the root is in, which must be as it was unpacked. Missing in plans of earlier versions. */
  readonly unpacked?: Unpacked
}
type Output = { readonly files: readonly { readonly path: string; readonly bytes: number }[] }

/** Key files are read, never executed. Bytes: a larger file is not a configuration. */
const largest = 16 * 1024 * 1024

/**
 * Checks the files that a restore depends on: they exist, are large enough, parse, and have the expected
 * values.
 * @throws RunbookError `verification` with every file that does not, or where somebody changed the folder
 */
export const checkKeyFiles = defineStep<Input, Output>({
  kind: 'files.check-key-files',
  version: 1,
  effect: 'observe',
  describe: ({ files }) =>
    isPending(files)
      ? 'Checks the key files.'
      : say`Checks that ${files.map(({ path }) => path)} exist, parse and have the expected values.`,
  run: async (look, { root, files, unpacked }) => {
    if (unpacked !== undefined)
      await requireSameTree(look, unpacked.folder, versionOf(unpacked), 'it was unpacked')
    const found: { path: string; bytes: number }[] = []
    const wrong: string[] = []
    for (const file of files) {
      const problem = await problemOf(look, root, file)
      if (typeof problem === 'string') wrong.push(problem)
      else found.push({ path: file.path, bytes: problem.bytes })
    }
    // Report all of them: the operator has to know the extent of the damage.
    if (wrong.length > 0)
      throw new RunbookError('verification', `the restored key files are wrong: ${wrong.join('; ')}`, {
        hint: 'choose another archive, and check the job that created this one',
      })
    return { files: found }
  },
})

async function problemOf(
  look: Look,
  root: string,
  file: KeyFile,
): Promise<string | { readonly bytes: number }> {
  const path = `${root}/${file.path}`
  const facts = await look.files.stat(path)
  if (facts === null) return `${file.path} is missing`
  if (facts.kind !== 'file') return `${file.path} is a ${facts.kind}`
  if (facts.bytes < file.minBytes) return `${file.path} has ${facts.bytes} bytes, fewer than ${file.minBytes}`
  if (file.parse === 'none') return { bytes: facts.bytes }
  try {
    const content = parse(file.parse, await look.files.read(path, largest))
    for (const [at, expected] of Object.entries(file.expect)) {
      const value = at
        .split('.')
        .reduce<Json | undefined>((part, key) => (isObject(part) ? part[key] : undefined), content)
      if (value === undefined || !sameJson(value, expected))
        return `${file.path} has ${at} = ${JSON.stringify(value)}, expected ${JSON.stringify(expected)}`
    }
    return { bytes: facts.bytes }
  } catch (thrown) {
    return `cannot read ${file.path} as ${file.parse}: ${failureOf(thrown).message}`
  }
}

function parse(as: Exclude<KeyFile['parse'], 'none'>, bytes: Uint8Array): Json {
  const text = new TextDecoder('utf-8', { fatal: as !== 'sqlite' }).decode(bytes)
  if (as === 'json') return JSON.parse(text) as Json
  if (as === 'yaml') return asJson(parseYaml(text))
  if (as === 'toml') return asJson(parseToml(text))
  // Only the header of a database is checked here: https://www.sqlite.org/fileformat.html, section 1.3.
  if (!text.startsWith('SQLite format 3\0')) throw new Error('no SQLite header')
  return null
}

/** Converts dates and the like to text, as in JSON. */
const asJson = (value: unknown): Json => JSON.parse(JSON.stringify(value ?? null)) as Json
const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
