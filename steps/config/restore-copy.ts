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

/**
 * Replaces a file on this machine by its validated copy and keeps the present one beside it. Mode and owner
 * stay. Undone to the exact bytes.
 */
export const restoreCopy = defineStep<Input, ReplacedFile, ReplacedFile>({
  kind: 'host.put-copy',
  leaves: [],
  ...putting,
})

/**
 * Replaces a file in a container, running or not, by its validated copy and keeps the present one beside it.
 * Mode and owner stay. Undone to the exact bytes.
 */
export const restoreCopyInContainer = defineStep<Input, ReplacedFile, ReplacedFile>({
  kind: 'access.put-copy',
  leaves: ['processes', 'containers'],
  ...putting,
})
