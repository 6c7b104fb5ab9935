import { defineStep, isPending, say } from '../../src/index.ts'
import { bytesOfVersion, type EarlierVersion } from './earlier-version.ts'
import { replacing } from './lib/edit-file-step.ts'
import type { ReplacedFile } from './lib/edited-file.ts'

type Input = { readonly file: string; readonly version: EarlierVersion }

/** Puts an earlier version of a configuration file in the place of the present one, which is kept beside it. Mode and owner stay. */
export const replaceConfig = defineStep<Input, ReplacedFile, ReplacedFile>({
  kind: 'config.replace',
  version: 1,
  effect: 'change',
  describe: ({ file, version }) =>
    say`Keeps ${file} as it is under another name, and puts ${isPending(version) ? version : version.from} in its place.`,
  predict: ({ input: { file, version }, before }) => ({
    output: before ?? null,
    changes:
      before === undefined || isPending(version) || isPending(file)
        ? []
        : [say`${file} is that of ${version.from}`, say`what it was is ${before.kept}`],
  }),
  ...replacing<Input>({
    place: ({ file }) => ({ file }),
    body: (look, { version }) => bytesOfVersion(look, version),
  }),
})
