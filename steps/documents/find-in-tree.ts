import { cannot, defineStep, RunbookError, say, type Finding, type Look } from '../../src/index.ts'
import { kindOfBytes, kindOfName } from '../files/lib/file-type.ts'
import type { OpenTree } from './open-tree.ts'
import { lastOf } from '../files/lib/path.ts'
import { requireSameTree } from '../files/lib/tree-version.ts'

type Input = {
  readonly tree: OpenTree
  /** Name of the folder that contains the files: the path after it is where a file belongs. */
  readonly below: string
  /** The file's name, or the part of it before a dot. */
  readonly id: string
  /** Name of a folder in the file's path; null for any. */
  readonly project: string | null
}

/** A file of a backup; `relative` is where it belongs. */
export type FoundFile = {
  readonly file: string
  readonly relative: string
  readonly bytes: number
  readonly sha256: string
}

/** Limits of the search. */
const limits = { entries: 500_000, depth: 32 }
/** Bytes. The type of a larger file is not checked. */
const maxTypeCheckBytes = 32 * 1024 ** 2

/**
 * Finds the one file of a backup with a given name, and checks that it is not empty and that its type fits
 * its extension. Never follows links.
 * @throws RunbookError `preflight` where none or several match, `verification` for an empty or damaged file
 */
export const findInTree = defineStep<Input, FoundFile>({
  kind: 'files.find-in-tree',
  version: 1,
  effect: 'observe',
  timeoutSeconds: 900,
  describe: ({ id, project, below }) =>
    say`Finds ${id} under ${below} in the backup${project === null ? '' : say`, in ${project}`}; refuses several matches, a link or an empty file.`,
  preflight: async (_, { id, project }) => [...badName('--document', id), ...badName('--project', project)],
  run: async (look, { tree: { root, version }, below, id, project }) => {
    await requireSameTree(look, root, version, 'it was unpacked')
    const files = (await filesOf(look, root)).flatMap((file) => {
      const relative = relativeTo(file, root, below)
      return relative !== null && fits(relative, id, project) ? [{ file, relative }] : []
    })
    const [only, second] = files
    if (only === undefined)
      throw new RunbookError(
        'preflight',
        `${id} not found in ${below}${project === null ? '' : `/${project}`} of the backup ${root}`,
        { hint: 'check the id, or name another backup with --backup' },
      )
    if (second !== undefined) {
      throw new RunbookError(
        'preflight',
        `${id} is ambiguous in the backup (${files.length} matches): ${files
          .slice(0, 10)
          .map(({ relative }) => relative)
          .join(', ')}`,
        { hint: 'choose one with --project and its full name' },
      )
    }
    const facts = await look.files.stat(only.file)
    if (facts?.kind !== 'file')
      throw cannot(
        'read',
        only.file,
        facts === null ? 'it no longer exists' : `it is a ${facts.kind}, not a file`,
        { code: 'preflight', hint: 'name another backup with --backup' },
      )
    if (facts.bytes === 0)
      throw new RunbookError('verification', `${only.file} is empty`, {
        hint: 'name an older backup with --backup',
      })
    const kind =
      facts.bytes > maxTypeCheckBytes
        ? null
        : kindOfBytes(await look.files.read(only.file, maxTypeCheckBytes))
    const expected = kindOfName(only.relative)
    if (expected !== null && facts.bytes <= maxTypeCheckBytes && kind !== expected)
      throw new RunbookError(
        'verification',
        `${only.file} is damaged: its content is ${kind ?? 'of an unknown type'}, not ${expected}`,
        { hint: 'name an older backup with --backup' },
      )
    const sha256 = await look.files.hash(only.file)
    look.note(`${only.relative}: ${facts.bytes} bytes, sha256 ${sha256}`)
    return { ...only, bytes: facts.bytes, sha256 }
  },
})

/** A plain name, not a path or a pattern. */
const nameForm = /^(?!\.{1,2}$)[\p{L}\p{N}_.@+=~-](?:[\p{L}\p{N}_.@+=~ -]{0,198}[\p{L}\p{N}_.@+=~-])?$/u

function badName(about: string, name: unknown): readonly Finding[] {
  if (name === null || typeof name !== 'string' || (nameForm.test(name) && !name.startsWith('-'))) return []
  return [
    {
      level: 'refuse',
      about,
      problem: `${JSON.stringify(name)} is not the name of one file or folder`,
      hint: 'give only the name, without / and *',
    },
  ]
}

/** Whether the name is `ID`, or starts with `ID.`, and the path is in the project. */
export function fits(relative: string, id: string, project: string | null): boolean {
  const name = lastOf(`/${relative}`)
  return (
    (name === id || name.startsWith(`${id}.`)) &&
    (project === null || relative.split('/').slice(0, -1).includes(project))
  )
}

/** The part of a path after the folder `below`, which may be the root itself; null where it is not in one. */
export function relativeTo(file: string, root: string, below: string): string | null {
  const parts = file.slice(root.length + 1).split('/')
  const at = parts.indexOf(below)
  if (at >= 0 && at < parts.length - 1) return parts.slice(at + 1).join('/')
  return lastOf(root) === below ? parts.join('/') : null
}

async function filesOf(look: Look, root: string): Promise<readonly string[]> {
  const files: string[] = []
  const walk = async (folder: string, depth: number): Promise<void> => {
    for (const name of await look.files.list(folder)) {
      const path = `${folder}/${name}`
      const facts = await look.files.stat(path)
      if (facts?.kind === 'directory' && depth < limits.depth) await walk(path, depth + 1)
      else if (facts !== null) files.push(path)
      if (files.length > limits.entries)
        throw new RunbookError('failed', `${root} has more than ${limits.entries} files`, {
          hint: 'name a smaller part of the backup with --backup',
        })
    }
  }
  await walk(root, 0)
  return files
}
