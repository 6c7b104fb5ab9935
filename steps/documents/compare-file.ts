import { cannot, defineStep, isPending, RunbookError, say, type FilePlace } from '../../src/index.ts'
import { withPath, kindAt, fileStateOf, type FileState } from '../files/lib/file-place.ts'
import type { FoundFile } from './find-in-tree.ts'
import { folderOf } from '../files/lib/path.ts'

type Input = { readonly at: FilePlace; readonly found: FoundFile }

/** Where a file of a backup belongs, and what is there now. */
export type ComparedFile = { readonly path: string; readonly present: FileState | null }

/**
 * Compares a file of a backup with the one in its place.
 * @throws RunbookError `preflight` where they are the same, or the folder does not exist
 */
export const compareFile = defineStep<Input, ComparedFile>({
  kind: 'files.compare-file',
  version: 1,
  effect: 'observe',
  lookAgain: true,
  timeoutSeconds: 900,
  describe: ({ at, found }) =>
    say`Compares the file of the backup with the one in ${isPending(at) ? at : at.path}${isPending(found) ? '' : ` (${found.relative})`}, by size and digest.`,
  run: async (look, { at, found }) => {
    const path = `${at.path}/${found.relative}`
    const folder = folderOf(path)
    const kind = await kindAt(look, withPath(at, folder))
    if (kind !== 'directory')
      throw cannot(
        'compare',
        path,
        kind === null ? `folder ${folder} not found` : `${folder} is a ${kind}, not a folder`,
        { code: 'preflight', hint: 'recover the project first, so that its folder exists' },
      )
    const present = await fileStateOf(look, withPath(at, path))
    look.note(
      present === null
        ? `${path} does not exist`
        : `${path}: ${present.bytes} bytes, sha256 ${present.sha256}`,
    )
    if (present?.sha256 === found.sha256)
      throw new RunbookError('preflight', `${path} is identical to the file in the backup`, {
        hint: 'if it is damaged, the backup is too: name an older one with --backup',
      })
    return { path, present }
  },
})
