import { defineStep, isPending, say, type Pending, type Preview, type Prediction } from '../../src/index.ts'
import { replacing } from './lib/edit-file-step.ts'
import { bytesOfCopy, type ValidatedCopy } from './find-copy.ts'
import type { ReplacedFile } from './lib/edited-file.ts'

type Input = { readonly copy: ValidatedCopy }

const putting = {
  version: 1,
  effect: 'change' as const,
  describe: ({ copy }: Preview<Input>): string =>
    isPending(copy)
      ? say`Keeps the present file under another name, and puts ${copy as Pending} in its place.`
      : say`Keeps ${copy.file} as it is under another name, and puts ${copy.from} in its place.`,
  predict: ({
    input: { copy },
    before,
  }: {
    readonly input: Preview<Input>
    readonly before: ReplacedFile | undefined
  }): Prediction<ReplacedFile> => ({
    output: before ?? null,
    changes:
      before === undefined || isPending(copy)
        ? []
        : [say`${copy.file} is that of ${copy.from}`, say`what it was is ${before.kept}`],
  }),
  ...replacing<Input>({
    place: ({ copy: { file, home } }) => (home === null ? { file } : { file, home }),
    body: (look, { copy }) => bytesOfCopy(look, copy),
  }),
}

/** Puts a judged copy of a file of this machine in its place. The present one is kept beside it; mode and owner stay. */
export const restoreCopy = defineStep<Input, ReplacedFile, ReplacedFile>({
  kind: 'host.put-copy',
  leaves: [],
  ...putting,
})

/** The same for a file in a container, which need not run. */
export const restoreCopyInContainer = defineStep<Input, ReplacedFile, ReplacedFile>({
  kind: 'access.put-copy',
  leaves: ['processes', 'containers'],
  ...putting,
})
