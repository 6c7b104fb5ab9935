import { defineStep } from '../../src/model/step.ts'

const there = { mode: 0o600 }

/** Writes a file, and takes it away again. */
export const writeNote = defineStep<{ readonly file: string }>()({
  kind: 'test.write-note',
  version: 1,
  effect: 'change',
  leaves: [],
  describe: () => 'Writes it.',
  survey: async () => null,
  run: async (io, { input: { file } }) => {
    await io.files.write(file, 'a note', there)
    return { file }
  },
  probe: async (look, { input: { file } }) =>
    (await look.files.stat(file)) === null ? { is: 'absent' } : { is: 'done', output: { file } },
  undo: (io, { input: { file } }) => io.files.removeTree(file),
})

/** As `writeNote`, with an undo that does nothing and a probe that does not notice: what `everyMoment` is to find. */
export const writeNoteForGood = defineStep<{ readonly file: string }>()({
  kind: 'test.write-note-for-good',
  version: 1,
  effect: 'change',
  leaves: [],
  describe: () => 'Writes it.',
  survey: async () => null,
  run: async (io, { input: { file } }) => {
    await io.files.write(file, 'a note', there)
    return { file }
  },
  probe: async (look, { input: { file }, way }) =>
    way === 'back' || (await look.files.stat(file)) === null
      ? { is: 'absent' }
      : { is: 'done', output: { file } },
  undo: async () => undefined,
})

/** As `writeNote`, with an undo that always fails, in two lines. */
export const writeNoteNailed = defineStep<{ readonly file: string }>()({
  kind: 'test.write-note-nailed',
  version: 1,
  effect: 'change',
  leaves: [],
  describe: () => 'Writes it.',
  survey: async () => null,
  run: async (io, { input: { file } }) => {
    await io.files.write(file, 'a note', there)
    return { file }
  },
  probe: async (look, { input: { file } }) =>
    (await look.files.stat(file)) === null ? { is: 'absent' } : { is: 'done', output: { file } },
  undo: async () => {
    throw new Error('the note is nailed down\nask the carpenter')
  },
})
