import {
  cannot,
  failureOf,
  RunbookError,
  sha256,
  type Finding,
  type ProbeResult,
  type Io,
  type JsonObject,
  type Look,
  type UndoGuard,
  type VolumeFacts,
  shellWord,
} from '../../../src/index.ts'
import { freeName } from '../../files/lib/free-name.ts'
import { nameOf, withLine, type Line } from './line.ts'
import { writableFileStoreOf, maxBytes, fileStoreOf, type FileLocation } from '../../files/lib/file-store.ts'

type Edit = JsonObject & {
  readonly file: string
  /** Its container; left out for a file on this machine. */
  readonly home?: FileLocation
  /** Digests only: the file may hold secrets. */
  readonly before: string
  readonly after: string
}

/** A configuration file whose contents this run replaced, with a copy of the old one beside it. */
export type ReplacedFile = Edit & {
  /** Path of the copy, with the old bytes, mode and owner. There is no copy where nothing had to change. */
  readonly kept: string
}

/**
 * A configuration file in which this run changed one value. No copy is kept: the undo needs only the old
 * value.
 */
export type EditedLine = Edit & { readonly line: Line }

/** A configuration file that this run changed. */
export type EditedFile = ReplacedFile | EditedLine

type View = Pick<Look, 'files' | 'volumes'>
type Actor = Pick<Io, 'files' | 'volumes'>

/** @throws RunbookError `preflight` where it is missing or not a regular file */
export async function bytesOf(look: View, file: string, home?: FileLocation): Promise<Uint8Array> {
  const store = fileStoreOf(look, home)
  const why = whyUnfit(await store.kind(file))
  if (why === null) return store.read(file, maxBytes)
  throw cannot('use', `${file}${home === undefined ? '' : ` of ${home.service}`}`, why, {
    code: 'preflight',
    hint: `check: ls -l ${shellWord(file)}`,
  })
}

/** Why a file of this kind is unusable; null for a regular file. */
export const whyUnfit = (kind: VolumeFacts['kind'] | null): string | null =>
  kind === 'file'
    ? null
    : kind === null
      ? 'no such file'
      : kind === 'link'
        ? 'it is a symbolic link: name the file that it points to'
        : 'it is not a regular file'

/** The copy gets an unused name, so that two runs on one day keep two copies. */
export async function surveyed(
  look: Look,
  file: string,
  after: Uint8Array,
  home?: FileLocation,
): Promise<ReplacedFile> {
  const before = await bytesOf(look, file, home)
  const kept = await freeName(look, `${file}.before-${look.run.id}`, home)
  return { file, ...(home === undefined ? {} : { home }), kept, before: sha256(before), after: sha256(after) }
}

/**
 * Copies the old file where it is replaced, then writes the new bytes; mode and owner stay.
 * @throws RunbookError `failed` where the file, or the source of the new bytes, changed meanwhile
 */
export async function applyEdit(io: Actor, edited: EditedFile, body: Uint8Array): Promise<void> {
  const { file, home, before, after } = edited
  if (before === after) return
  const store = writableFileStoreOf(io, home)
  const now = await store.hash(file)
  if (now !== before && now !== after) throw changedByAnother(file)
  if (sha256(body) !== after)
    throw cannot('write', file, 'the new contents differ from the predicted ones', {
      code: 'failed',
      hint: 'their source changed meanwhile: start again',
    })
  // A kill may have left half a copy: copy again while the file is still the old one.
  if (now === before && isReplaced(edited)) {
    await store.remove(edited.kept)
    await store.copy(file, edited.kept)
  }
  await store.write(file, body)
}

export type EditState = 'before' | 'after' | 'other'

export async function editStateOf(look: View, { file, home, before, after }: EditedFile): Promise<EditState> {
  const store = fileStoreOf(look, home)
  const now = (await store.kind(file)) === null ? null : await store.hash(file)
  return now === after ? 'after' : now === before ? 'before' : 'other'
}

/** For an undo that restores a file: it must have the contents that this run found or wrote. */
export const mustBeOurs = (edited: EditedFile): UndoGuard => ({
  of: [{ file: edited.file, home: edited.home ?? null }],
  check: async (look) => {
    if (edited.before === edited.after || (await editStateOf(look, edited)) !== 'other') return
    throw new RunbookError('in-doubt', `${edited.file} was changed from outside during the run`, {
      hint: `find out who changed it, and what ${edited.file} should say; it was left as it is`,
    })
  },
})

/**
 * Restores the old bytes and keeps the copy; does nothing where the file is already the old one.
 * @throws RunbookError `failed` where the file or its copy changed meanwhile
 */
export async function revertEdit(io: Actor, edited: EditedFile): Promise<void> {
  const { file, home, before, after } = edited
  if (before === after) return
  const store = writableFileStoreOf(io, home)
  const state = await editStateOf(io, edited)
  if (state === 'before') {
    // Writing the file again clears what a killed write left beside it.
    if (await store.leftover(file)) await store.write(file, await store.read(file, maxBytes))
    return
  }
  if (state === 'other') throw changedByAnother(file)
  if (isReplaced(edited)) {
    const { kept } = edited
    if ((await store.kind(kept)) === null || (await store.hash(kept)) !== before) {
      throw cannot('restore', file, `its copy ${kept} is missing or changed`, {
        code: 'failed',
        hint: 'restore it from version control',
      })
    }
    await store.replace(file, kept)
    return
  }
  const { line } = edited
  const body = withLine(await store.read(file, maxBytes), line, line.from)
  if (sha256(body) !== before) {
    throw cannot('restore', file, `with the old ${nameOf(line)} it still differs from the original`, {
      code: 'failed',
      hint: 'restore it from version control',
    })
  }
  await store.write(file, body)
}

/** State of an exchange, for a probe. It counts as undone only once the copy is removed too. */
export async function fileFound<E extends EditedFile>(
  look: View,
  edited: E,
  way: 'forward' | 'back',
): Promise<ProbeResult<E>> {
  const { file, home, before, after } = edited
  const state = await editStateOf(look, edited)
  if (state === 'other') return { is: 'torn', why: `${file} has neither its old nor its new contents` }
  if (way === 'forward') return state === 'after' ? { is: 'done', output: edited } : { is: 'absent' }
  if (state === 'after' && before !== after) return { is: 'torn', why: `${file} still has its new contents` }
  const store = fileStoreOf(look, home)
  if (isReplaced(edited) && ((await store.kind(edited.kept)) !== null || (await store.leftover(edited.kept))))
    return { is: 'torn', why: `the copy ${edited.kept} still exists` }
  return (await store.leftover(file))
    ? { is: 'torn', why: `an incomplete write is left beside ${file}` }
    : { is: 'absent' }
}

export async function removeCopy(io: Actor, edited: EditedFile): Promise<void> {
  if (isReplaced(edited)) await writableFileStoreOf(io, edited.home).remove(edited.kept)
}

const isReplaced = (edited: EditedFile): edited is ReplacedFile => 'kept' in edited

const changedByAnother = (file: string): RunbookError =>
  new RunbookError('failed', `${file} was changed from outside during the run`, {
    hint: 'find out who changed it, and how, before you continue',
  })

/** For preflight: what an edit finds, and its failure as a refusal. */
export async function problemWith(
  file: string,
  doing: string,
  edit: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await edit()
  } catch (thrown) {
    const { message, hint } = failureOf(thrown)
    return [{ level: 'refuse', about: file, problem: `${doing}: ${message}`, hint: hint ?? 'fix the file' }]
  }
}
