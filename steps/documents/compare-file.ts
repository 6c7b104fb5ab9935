import { defineStep, isPending, RunbookError, say, type FilePlace } from '../../src/index.ts'
import { besides, kindAt, standingOf, type Standing } from '../files/lib/file-place.ts'
import type { FoundFile } from './find-in-tree.ts'
import { folderOf } from '../files/lib/path.ts'

type Input = { readonly at: FilePlace; readonly found: FoundFile }

/** Where a file of a backup belongs, and what is there now. */
export type ComparedFile = { readonly path: string; readonly present: Standing | null }

/**
 * Compares a file of a backup with the one in its place.
 * @throws RunbookError `preflight` where they are the same, or the folder does not exist
 */
export const compareFile = defineStep<Input, ComparedFile>({
  kind: 'files.compare-file',
  version: 1,
  effect: 'observe',
  timeoutSeconds: 900,
  describe: ({ at, found }) =>
    say`Compares it with the one in ${isPending(at) ? at : at.path}${isPending(found) ? '' : `: ${found.relative}`}, by size and digest.`,
  run: async (look, { at, found }) => {
    const path = `${at.path}/${found.relative}`
    const folder = folderOf(path)
    const kind = await kindAt(look, besides(at, folder))
    if (kind !== 'directory')
      throw new RunbookError(
        'preflight',
        `${folder} is ${kind === null ? 'not there' : `a ${kind}, no folder`}`,
        { hint: 'recover the project first, so that its folder is there' },
      )
    const present = await standingOf(look, besides(at, path))
    look.note(
      present === null ? `${path} is not there` : `${path}: ${present.bytes} bytes, sha256 ${present.sha256}`,
    )
    if (present?.sha256 === found.sha256)
      throw new RunbookError('preflight', `${path} is the same as in the backup`, {
        hint: 'if it is damaged, so is the backup: name an older one with --backup',
      })
    return { path, present }
  },
})
