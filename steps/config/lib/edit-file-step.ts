import { sha256, type Act, type Io, type JsonObject, type Look } from '../../../src/index.ts'
import type { FileLocation } from '../../files/lib/file-store.ts'
import {
  bytesOf,
  applyEdit,
  fileFound,
  removeCopy,
  revertEdit,
  surveyed,
  type EditedFile,
  type EditedLine,
  type ReplacedFile,
} from './edited-file.ts'
import { requireReversible, valueOf, withLine, type Place } from './line.ts'

type Body<I> = (look: Look, input: I) => Promise<Uint8Array>
type EditAct<E> = Act<unknown, E>

/**
 * What every change of a configuration file shares. `body` returns the new contents; it is called again just
 * before the write.
 */
const changing = <I extends JsonObject, E extends EditedFile>(body: Body<I>) => ({
  run: async (io: Io, { input, before }: Act<I, E>): Promise<E> => {
    await applyEdit(io, before, await body(io, input))
    if ('kept' in before && before.before !== before.after)
      io.note(`the old ${before.file} is kept as ${before.kept}`)
    return before
  },
  probe: (look: Look, { before, way }: EditAct<E> & { readonly way: 'forward' | 'back' }) =>
    fileFound(look, before, way),
  undo: async (io: Io, { before }: EditAct<E>): Promise<void> => {
    await revertEdit(io, before)
    await removeCopy(io, before)
  },
})

/**
 * Replaces the contents of a file and keeps a copy of the old one beside it. The undo restores the exact
 * bytes and removes the copy.
 */
export const replacing = <I extends JsonObject>({
  place,
  body,
}: {
  place(input: I): { readonly file: string; readonly home?: FileLocation }
  readonly body: Body<I>
}) => ({
  survey: async (look: Look, input: I): Promise<ReplacedFile> => {
    const { file, home } = place(input)
    return surveyed(look, file, await body(look, input), home)
  },
  ...changing<I, ReplacedFile>(body),
})

type Editing<I> = {
  place(input: I): Place
  value(input: I): string
  /** What to do where the file does not set the value. Default `append`. */
  missing?(input: I): 'append' | 'refuse' | undefined
}

/**
 * Changes one value of a file and keeps no copy, so that a file with secrets exists only once. The undo sets
 * the old value, which restores the exact bytes. A value that is already set changes nothing.
 */
export const editing = <I extends JsonObject & { readonly file: string }>({
  place,
  value,
  missing,
}: Editing<I>) => {
  const body: Body<I> = async (look, input) =>
    withLine(await bytesOf(look, input.file), place(input), value(input), missing?.(input))
  return {
    survey: async (look: Look, input: I): Promise<EditedLine> => {
      const { file } = input
      const [old, fresh] = [await bytesOf(look, file), await body(look, input)]
      const line = { ...place(input), from: valueOf(old, place(input)), to: value(input) }
      requireReversible(old, file, line, fresh)
      return { file, line, before: sha256(old), after: sha256(fresh) }
    },
    ...changing<I, EditedLine>(body),
  }
}
