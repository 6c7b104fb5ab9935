import type { Act, Io, JsonObject, Look } from '../../src/index.ts'
import type { Home } from '../files/shelf.ts'
import { bytesOf, exchange, fileFound, forget, putBack, surveyed, type EditedFile } from './kept-file.ts'

type Exchange<I> = {
  place(input: I): { readonly file: string; readonly home?: Home }
  /** What the file is to be, asked once more just before it is written: it must be the same then. */
  body(look: Look, input: I): Promise<Uint8Array>
}

type Exchanging = Act<unknown, EditedFile>

/** What every step does that puts other bytes into a configuration file and keeps what it was beside it. Undone to the very bytes. */
export const exchanging = <I extends JsonObject>({ place, body }: Exchange<I>) => ({
  survey: async (look: Look, input: I): Promise<EditedFile> => {
    const { file, home } = place(input)
    return surveyed(look, file, await body(look, input), home)
  },
  run: async (io: Io, { input, before }: Act<I, EditedFile>): Promise<EditedFile> => {
    await exchange(io, before, await body(io, input))
    return before
  },
  probe: (look: Look, { before, way }: Exchanging & { readonly way: 'forward' | 'back' }) =>
    fileFound(look, before, way),
  undo: async (io: Io, { before }: Exchanging): Promise<void> => {
    await putBack(io, before)
    await forget(io, before)
  },
})

/** The same of an edit of a file's own bytes; an edit that was made already changes nothing. */
export const editing = <I extends JsonObject & { readonly file: string }>(
  edit: (body: Uint8Array, input: I) => Uint8Array,
) =>
  exchanging<I>({
    place: ({ file }) => ({ file }),
    body: async (look, input) => edit(await bytesOf(look, input.file), input),
  })
