import { defineStep, isPending, say, type Pending, type Preview, type Prediction } from '../../src/index.ts'
import { replacing } from './lib/edit-file-step.ts'
import { bytesOfCopy, type ValidatedCopy } from './find-copy.ts'
import type { ReplacedFile } from './lib/edited-file.ts'

type Input = { readonly copy: ValidatedCopy }

const restoring = {
  version: 1,
  effect: 'change' as const,
  describe: ({ copy }: Preview<Input>): string =>
    isPending(copy)
      ? say`Replaces the file by ${copy as Pending}, and keeps the old one under another name.`
      : say`Replaces ${copy.file} by ${copy.from}, and keeps the old file under another name.`,
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
        : [say`${copy.file} has the contents of ${copy.from}`, say`the old file is kept as ${before.kept}`],
  }),
  ...replacing<Input>({
    place: ({ copy: { file, home } }) => (home === null ? { file } : { file, home }),
    body: (look, { copy }) => bytesOfCopy(look, copy),
    shown: ({ copy }) => copy.replaces,
  }),
}

/**
 * Replaces a file on this machine by its validated copy and keeps the present one beside it. Mode and owner
 * stay. Undone to the exact bytes.
 */
export const restoreCopy = defineStep<Input, ReplacedFile, ReplacedFile>({
  kind: 'host.put-copy',
  leaves: [],
  ...restoring,
})

/**
 * Replaces a file in a container, running or not, by its validated copy and keeps the present one beside it.
 * Mode and owner stay. Undone to the exact bytes.
 */
export const restoreCopyInContainer = defineStep<Input, ReplacedFile, ReplacedFile>({
  kind: 'access.put-copy',
  leaves: ['processes', 'containers'],
  ...restoring,
})
