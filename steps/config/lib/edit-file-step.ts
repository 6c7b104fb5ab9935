import { sha256, variablesOf, type Act, type Io, type JsonObject, type Look } from '../../../src/index.ts'
import type { FileLocation } from '../../files/lib/file-store.ts'
import { requireAsShown } from '../../files/lib/ours.ts'
import {
  bytesOf,
  applyEdit,
  fileFound,
  mustBeOurs,
  removeCopy,
  revertEdit,
  surveyed,
  type EditedFile,
  type EditedLine,
  type ReplacedFile,
} from './edited-file.ts'
import { requireWithin, type EditScope, type ScopedEdit } from './edit-scope.ts'
import { nameOf, requireReversible, valueOf, withLine, type Place } from './line.ts'

type Body<I> = (look: Look, input: I) => Promise<Uint8Array>
type EditAct<E> = Act<unknown, E>

/** What the edit may change in the stack that reads the file; undefined where no stack does. */
type Scoped<I> = { scope?(input: I): EditScope | undefined }

async function requireScope(
  look: Look,
  scope: EditScope | undefined,
  { file, before, after }: EditedFile,
  { body, variables }: Pick<ScopedEdit, 'body' | 'variables'>,
): Promise<void> {
  if (scope !== undefined && before !== after) await requireWithin(look, scope, { file, body, variables })
}

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
  undoGuards: ({ before }: EditAct<E>) => [mustBeOurs(before)],
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
  shown,
  scope,
}: Scoped<I> & {
  place(input: I): { readonly file: string; readonly home?: FileLocation }
  readonly body: Body<I>
  /** Digest of the file when it was looked at; undefined where it is not known. */
  shown(input: I): string | undefined
}) => ({
  survey: async (look: Look, input: I): Promise<ReplacedFile> => {
    const { file, home } = place(input)
    const fresh = await body(look, input)
    const edited = await surveyed(look, file, fresh, home)
    if (edited.before !== edited.after) requireAsShown(file, edited.before, shown(input))
    const limit = scope?.(input)
    if (limit !== undefined)
      await requireScope(look, limit, edited, {
        body: fresh,
        variables: variablesIn(await bytesOf(look, file, home), fresh),
      })
    return edited
  },
  ...changing<I, ReplacedFile>(body),
})

/** The variables that either version of an env file sets. */
export const variablesIn = (...bodies: readonly Uint8Array[]): readonly string[] => [
  ...new Set(bodies.flatMap((body) => Object.keys(variablesOf(body)))),
]

type Editing<I> = Scoped<I> & {
  place(input: I): Place
  value(input: I): string
  /** The value when it was looked at, null for none; undefined where that is not known. */
  shown?(input: I): string | null | undefined
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
  shown,
  missing,
  scope,
}: Editing<I>) => {
  const body: Body<I> = async (look, input) =>
    withLine(await bytesOf(look, input.file), place(input), value(input), missing?.(input))
  return {
    survey: async (look: Look, input: I): Promise<EditedLine> => {
      const { file } = input
      const [old, fresh] = [await bytesOf(look, file), await body(look, input)]
      const line = { ...place(input), from: valueOf(old, place(input)), to: value(input) }
      if (line.from !== line.to) requireAsShown(`${nameOf(line)} in ${file}`, line.from, shown?.(input))
      requireReversible(old, file, line, fresh)
      const edited = { file, line, before: sha256(old), after: sha256(fresh) }
      const variables = 'variable' in line ? [String(line.variable)] : []
      await requireScope(look, scope?.(input), edited, { body: fresh, variables })
      return edited
    },
    ...changing<I, EditedLine>(body),
  }
}
