import { defineStep, isPending, say, type JsonObject } from '../../src/index.ts'
import { lastOf } from '../files/lib/path.ts'
import { bytesOf, problemWith } from './lib/edited-file.ts'

type Input = { readonly file: string; readonly folder: string }
type Kept = JsonObject & { readonly file: string; readonly copy: string; readonly sha256: string }

/**
 * Copies a configuration file to a folder, with its mode and owner. The name of the copy is chosen once, in
 * the survey. Undone by removing the copy.
 */
export const keepFile = defineStep<Input, Kept, Kept>({
  kind: 'config.keep-file',
  version: 1,
  effect: 'change',
  describe: ({ file, folder }) => say`Copies ${file} to ${folder}.`,
  preflight: async (look, { file }) =>
    isPending(file)
      ? []
      : problemWith(file, `cannot copy ${file}`, async () => {
          await bytesOf(look, file)
          return []
        }),
  survey: async (look, { file, folder }) => {
    await bytesOf(look, file)
    return { file, copy: `${folder}/${lastOf(file)}-${look.run.id}`, sha256: await look.files.hash(file) }
  },
  predict: ({ before }) => ({
    output: before ?? null,
    changes: before === undefined ? [] : [`a copy ${before.copy}`],
  }),
  run: async (io, { input: { folder }, before }) => {
    await io.files.makeFolder(folder)
    for (const path of pathsWritten(before)) await io.files.removeTree(path)
    const sha256 = await io.files.copy(before.file, before.copy)
    return { ...before, sha256 }
  },
  probe: async (look, { before }) => {
    const [complete, partial] = await Promise.all(pathsWritten(before).map((path) => look.files.stat(path)))
    if (partial !== null) return { is: 'torn', why: `the copy ${before.copy} is incomplete` }
    return complete === null
      ? { is: 'absent' }
      : { is: 'done', output: { ...before, sha256: await look.files.hash(before.copy) } }
  },
  rerunnable: true,
  // It removes only what is under a name of this run.
  undoGuards: () => [],
  undo: async (io, { before }) => {
    for (const path of pathsWritten(before)) await io.files.removeTree(path)
  },
})

const pathsWritten = ({ copy }: Kept): readonly string[] => [copy, `${copy}.partial`]
