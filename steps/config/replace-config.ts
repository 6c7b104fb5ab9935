import { defineStep, isPending, say } from '../../src/index.ts'
import { bytesOfVersion, type EarlierVersion } from './earlier-version.ts'
import { exchange, fileFound, forget, putBack, surveyed, type EditedFile } from './kept-file.ts'

type Input = { readonly file: string; readonly version: EarlierVersion }

/** Puts an earlier version of a configuration file in the place of the present one, which is kept beside it. Mode and owner stay. */
export const replaceConfig = defineStep<Input, EditedFile, EditedFile>({
  kind: 'config.replace',
  version: 1,
  effect: 'change',
  describe: ({ file, version }) => say`Keeps ${file} as it is under another name, and puts ${isPending(version) ? version : version.from} in its place.`,
  survey: async (look, { file, version }) => surveyed(look, file, await bytesOfVersion(look, version)),
  predict: ({ input: { file, version }, before }) => ({
    output: before ?? null,
    changes: before === undefined || isPending(version) || isPending(file) ? [] : [say`${file} is that of ${version.from}`, say`what it was is ${before.kept}`],
  }),
  run: async (io, { input: { version }, before }) => {
    await exchange(io, before, await bytesOfVersion(io, version))
    return before
  },
  probe: (look, { before, way }) => fileFound(look, before, way),
  undo: async (io, { before }) => {
    await putBack(io, before)
    await forget(io, before)
  },
})
