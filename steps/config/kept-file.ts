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
} from '../../src/index.ts'
import { freeName } from '../files/free-name.ts'
import { handsOn, maxBytes, shelfOf, type Home } from '../files/shelf.ts'

/** A configuration file that this run changed, and the copy of what it was, beside it. Contents may be secret, so only digests are told. */
export type EditedFile = JsonObject & {
  readonly file: string
  /** Where both lie; left out for files of this machine. */
  readonly home?: Home
  /** Bytes, mode and owner as they were. Not there where nothing had to be changed. */
  readonly kept: string
  readonly before: string
  readonly after: string
}

type Eyes = Pick<Look, 'files' | 'volumes'>
type Hands = Pick<Io, 'files' | 'volumes'>

/** @throws RunbookError `preflight` for what is no regular file */
export async function bytesOf(look: Eyes, file: string, home?: Home): Promise<Uint8Array> {
  const shelf = shelfOf(look, home)
  const why = whyUnfit(await shelf.kind(file))
  if (why === null) return shelf.read(file, maxBytes)
  throw new RunbookError(
    'preflight',
    `cannot use ${file}${home === undefined ? '' : ` of ${home.service}`}: ${why}`,
    { hint: `ls -l ${file}` },
  )
}

/** Null for a regular file. */
export const whyUnfit = (kind: VolumeFacts['kind'] | null): string | null =>
  kind === 'file'
    ? null
    : kind === null
      ? 'there is no such file'
      : kind === 'link'
        ? 'it is a symbolic link: name the file that it points to'
        : 'it is no regular file'

/** The copy has a name that nobody has yet, so that two runs on one day keep two copies. */
export async function surveyed(
  look: Look,
  file: string,
  after: Uint8Array,
  home?: Home,
): Promise<EditedFile> {
  const before = await bytesOf(look, file, home)
  const kept = await freeName(look, `${file}.before-${look.run.id}`, home)
  return { file, ...(home === undefined ? {} : { home }), kept, before: sha256(before), after: sha256(after) }
}

/** Keeps the file as it is, and puts the new bytes in its place; mode and owner stay. */
export async function exchange(
  io: Hands,
  { file, home, kept, before, after }: EditedFile,
  body: Uint8Array,
): Promise<void> {
  if (before === after) return
  const hands = handsOn(io, home)
  const now = await hands.hash(file)
  if (now !== before && now !== after) throw changedByAnother(file)
  if (sha256(body) !== after)
    throw new RunbookError('failed', `what is to be written to ${file} is not what was foretold`, {
      hint: 'its source was changed meanwhile: start again',
    })
  // What a kill left of the copy is made anew while the file is still the old one.
  if (now === before) {
    await hands.remove(kept)
    await hands.copy(file, kept)
  }
  await hands.write(file, body)
}

export type FileStands = 'before' | 'after' | 'other'

export async function standsAs(look: Eyes, { file, home, before, after }: EditedFile): Promise<FileStands> {
  const shelf = shelfOf(look, home)
  const now = (await shelf.kind(file)) === null ? null : await shelf.hash(file)
  return now === after ? 'after' : now === before ? 'before' : 'other'
}

/** Puts the old bytes back, and leaves the copy. Nothing to do where they never went. */
export async function putBack(io: Hands, edited: EditedFile): Promise<void> {
  const { file, home, kept, before, after } = edited
  if (before === after) return
  const hands = handsOn(io, home)
  const stands = await standsAs(io, edited)
  if (stands === 'before') {
    // To write it again takes away what a kill left of the new one.
    if (await hands.leftover(file)) await hands.write(file, await hands.read(file, maxBytes))
    return
  }
  if (stands === 'other') throw changedByAnother(file)
  if ((await hands.kind(kept)) === null || (await hands.hash(kept)) !== before) {
    throw new RunbookError('failed', `cannot put ${file} back: its copy ${kept} is missing or changed`, {
      hint: 'restore it from version control',
    })
  }
  await hands.replace(file, kept)
}

/** What a probe finds of an exchange. Undone means that the copy is gone too. */
export async function fileFound(
  look: Eyes,
  edited: EditedFile,
  way: 'forward' | 'back',
): Promise<ProbeResult<EditedFile>> {
  const { file, home, kept, before, after } = edited
  const stands = await standsAs(look, edited)
  if (stands === 'other') return { is: 'torn', why: `${file} is neither what it was nor what it was to be` }
  if (way === 'forward') return stands === 'after' ? { is: 'done', output: edited } : { is: 'absent' }
  if (stands === 'after' && before !== after) return { is: 'torn', why: `${file} is still the changed one` }
  const shelf = shelfOf(look, home)
  if ((await shelf.kind(kept)) !== null || (await shelf.leftover(kept)))
    return { is: 'torn', why: `the copy ${kept} lies about` }
  return (await shelf.leftover(file))
    ? { is: 'torn', why: `what was to become ${file} lies beside it` }
    : { is: 'absent' }
}

export async function forget(io: Hands, { home, kept }: EditedFile): Promise<void> {
  await handsOn(io, home).remove(kept)
}

const changedByAnother = (file: string): RunbookError =>
  new RunbookError('failed', `somebody else changed ${file} meanwhile`, {
    hint: 'look what they did before you go on',
  })

/** For preflight: what an edit would trip over, as a refusal. */
export async function troubleWith(
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
