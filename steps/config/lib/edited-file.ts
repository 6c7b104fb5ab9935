import {
  failureOf,
  RunbookError,
  sha256,
  type Finding,
  type ProbeResult,
  type Io,
  type JsonObject,
  type Look,
  type VolumeFacts,
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

type Eyes = Pick<Look, 'files' | 'volumes'>
type Hands = Pick<Io, 'files' | 'volumes'>

/** @throws RunbookError `preflight` where it is missing or not a regular file */
export async function bytesOf(look: Eyes, file: string, home?: FileLocation): Promise<Uint8Array> {
  const shelf = fileStoreOf(look, home)
  const why = whyUnfit(await shelf.kind(file))
  if (why === null) return shelf.read(file, maxBytes)
  throw new RunbookError(
    'preflight',
    `cannot use ${file}${home === undefined ? '' : ` of ${home.service}`}: ${why}`,
    { hint: `ls -l ${file}` },
  )
}

/** Why a file of this kind is unusable; null for a regular file. */
export const whyUnfit = (kind: VolumeFacts['kind'] | null): string | null =>
  kind === 'file'
    ? null
    : kind === null
      ? 'there is no such file'
      : kind === 'link'
        ? 'it is a symbolic link: name the file that it points to'
        : 'it is no regular file'

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
export async function exchange(io: Hands, edited: EditedFile, body: Uint8Array): Promise<void> {
  const { file, home, before, after } = edited
  if (before === after) return
  const hands = writableFileStoreOf(io, home)
  const now = await hands.hash(file)
  if (now !== before && now !== after) throw changedByAnother(file)
  if (sha256(body) !== after)
    throw new RunbookError('failed', `what is to be written to ${file} is not what was foretold`, {
      hint: 'its source was changed meanwhile: start again',
    })
  // A kill may have left half a copy: copy again while the file is still the old one.
  if (now === before && isReplaced(edited)) {
    await hands.remove(edited.kept)
    await hands.copy(file, edited.kept)
  }
  await hands.write(file, body)
}

export type EditState = 'before' | 'after' | 'other'

export async function editStateOf(look: Eyes, { file, home, before, after }: EditedFile): Promise<EditState> {
  const shelf = fileStoreOf(look, home)
  const now = (await shelf.kind(file)) === null ? null : await shelf.hash(file)
  return now === after ? 'after' : now === before ? 'before' : 'other'
}

/**
 * Restores the old bytes and keeps the copy; does nothing where the file is already the old one.
 * @throws RunbookError `failed` where the file or its copy changed meanwhile
 */
export async function putBack(io: Hands, edited: EditedFile): Promise<void> {
  const { file, home, before, after } = edited
  if (before === after) return
  const hands = writableFileStoreOf(io, home)
  const stands = await editStateOf(io, edited)
  if (stands === 'before') {
    // Writing the file again clears what a killed write left beside it.
    if (await hands.leftover(file)) await hands.write(file, await hands.read(file, maxBytes))
    return
  }
  if (stands === 'other') throw changedByAnother(file)
  if (isReplaced(edited)) {
    const { kept } = edited
    if ((await hands.kind(kept)) === null || (await hands.hash(kept)) !== before) {
      throw new RunbookError('failed', `cannot put ${file} back: its copy ${kept} is missing or changed`, {
        hint: 'restore it from version control',
      })
    }
    await hands.replace(file, kept)
    return
  }
  const { line } = edited
  const body = withLine(await hands.read(file, maxBytes), line, line.from)
  if (sha256(body) !== before) {
    throw new RunbookError(
      'failed',
      `cannot put ${file} back: with the old ${nameOf(line)} it is not what it was`,
      {
        hint: 'restore it from version control',
      },
    )
  }
  await hands.write(file, body)
}

/** State of an exchange, for a probe. It counts as undone only once the copy is removed too. */
export async function fileFound<E extends EditedFile>(
  look: Eyes,
  edited: E,
  way: 'forward' | 'back',
): Promise<ProbeResult<E>> {
  const { file, home, before, after } = edited
  const stands = await editStateOf(look, edited)
  if (stands === 'other') return { is: 'torn', why: `${file} is neither what it was nor what it was to be` }
  if (way === 'forward') return stands === 'after' ? { is: 'done', output: edited } : { is: 'absent' }
  if (stands === 'after' && before !== after) return { is: 'torn', why: `${file} is still the changed one` }
  const shelf = fileStoreOf(look, home)
  if (isReplaced(edited) && ((await shelf.kind(edited.kept)) !== null || (await shelf.leftover(edited.kept))))
    return { is: 'torn', why: `the copy ${edited.kept} is still there` }
  return (await shelf.leftover(file))
    ? { is: 'torn', why: `what was to become ${file} lies beside it` }
    : { is: 'absent' }
}

export async function forget(io: Hands, edited: EditedFile): Promise<void> {
  if (isReplaced(edited)) await writableFileStoreOf(io, edited.home).remove(edited.kept)
}

const isReplaced = (edited: EditedFile): edited is ReplacedFile => 'kept' in edited

const changedByAnother = (file: string): RunbookError =>
  new RunbookError('failed', `somebody else changed ${file} meanwhile`, {
    hint: 'look what they did before you go on',
  })

/** For preflight: the failure of an edit as a refusal. */
export async function problemWith(
  file: string,
  doing: string,
  edit: () => Promise<unknown>,
): Promise<readonly Finding[]> {
  try {
    await edit()
    return []
  } catch (thrown) {
    const { message, hint } = failureOf(thrown)
    return [{ level: 'refuse', about: file, problem: `${doing}: ${message}`, hint: hint ?? 'mend the file' }]
  }
}
