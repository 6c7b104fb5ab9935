import { defineStep, say } from '../../src/index.ts'

type Input = { readonly under: string }
export type Staging = { readonly folder: string }

/**
 * Creates the run's own staging folder, in which archives are unpacked for inspection. Undone by removing it.
 */
export const makeStaging = defineStep<Input, Staging, Staging>({
  kind: 'files.make-staging',
  version: 1,
  effect: 'change',
  describe: ({ under }) => say`Creates an empty folder for this run under ${under}.`,
  preflight: async (look, { under }) => {
    if (typeof under !== 'string') return []
    const free = await look.files.freeBytes(under)
    return free > 0
      ? []
      : [
          {
            level: 'refuse',
            about: under,
            problem: `no space left in ${under}`,
            hint: `make room: df -h ${under}`,
          },
        ]
  },
  survey: async (look, { under }) => ({ folder: `${under}/${look.run.id}` }),
  predict: ({ before }) => ({
    output: before ?? null,
    changes: before === undefined ? [] : [`the folder ${before.folder} is created, until the end of the run`],
  }),
  run: async (io, { before }) => {
    await io.files.makeFolder(before.folder)
    return before
  },
  probe: async (look, { before }) => {
    const there = await look.files.stat(before.folder)
    return there === null ? { is: 'absent' } : { is: 'done', output: before }
  },
  undo: (io, { before }) => io.files.removeTree(before.folder),
})

/** Removes the run's staging folder, whatever the outcome of the run. */
export const removeStaging = defineStep<Input, Staging, Staging>({
  kind: 'files.remove-staging',
  version: 1,
  effect: 'change',
  irreversible: 'the unpacked copies are deleted; the archives stay',
  describe: ({ under }) => say`Removes this run's folder under ${under}.`,
  survey: async (look, { under }) => ({ folder: `${under}/${look.run.id}` }),
  predict: ({ before }) => ({ output: before ?? null }),
  run: async (io, { before }) => {
    await io.files.removeTree(before.folder)
    return before
  },
  probe: async (look, { before }) =>
    (await look.files.stat(before.folder)) === null ? { is: 'done', output: before } : { is: 'absent' },
})
