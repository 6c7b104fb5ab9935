import { failureOf, RunbookError, sha256, type Finding, type Found, type Io, type JsonObject, type Look } from '../../src/index.ts'
import { freeName } from '../files/free-name.ts'

/** A configuration file that this run changed, and the copy of what it was, beside it. Contents may be secret, so only digests are told. */
export type EditedFile = JsonObject & {
  readonly file: string
  /** Bytes, mode and owner as they were. Not there where nothing had to be changed. */
  readonly kept: string
  readonly before: string
  readonly after: string
}

/** Larger is no configuration file. */
const maxBytes = 1 << 20

/** @throws RunbookError `preflight` for what is no regular file */
export async function bytesOf(look: Pick<Look, 'files'>, file: string): Promise<Uint8Array> {
  const facts = await look.files.stat(file)
  if (facts?.kind === 'file') return look.files.read(file, maxBytes)
  const why = facts === null ? 'there is no such file' : facts.kind === 'link' ? 'it is a symbolic link: name the file that it points to' : 'it is no regular file'
  throw new RunbookError('preflight', `cannot use ${file}: ${why}`, { hint: `ls -l ${file}` })
}

/** The copy has a name that nobody has yet, so that two runs on one day keep two copies. */
export async function surveyed(look: Look, file: string, after: Uint8Array): Promise<EditedFile> {
  const before = await bytesOf(look, file)
  return { file, kept: await freeName(look, `${file}.before-${look.run.id}`), before: sha256(before), after: sha256(after) }
}

/** Keeps the file as it is, and puts the new bytes in its place; mode and owner stay. */
export async function exchange(io: Io, { file, kept, before, after }: EditedFile, body: Uint8Array): Promise<void> {
  if (before === after) return
  const now = await io.files.hash(file)
  if (now !== before && now !== after) throw changedByAnother(file)
  if (sha256(body) !== after) throw new RunbookError('failed', `what is to be written to ${file} is not what was foretold`, { hint: 'its source was changed meanwhile: start again' })
  // What a kill left of the copy is made anew while the file is still the old one.
  if (now === before) {
    await io.files.removeTree(kept)
    await io.files.removeTree(`${kept}.partial`)
    await io.files.copy(file, kept)
  }
  await io.files.write(file, body)
}

export type FileStands = 'before' | 'after' | 'other'

export async function standsAs(look: Pick<Look, 'files'>, { file, before, after }: EditedFile): Promise<FileStands> {
  const now = (await look.files.stat(file)) === null ? null : await look.files.hash(file)
  return now === after ? 'after' : now === before ? 'before' : 'other'
}

/** Puts the old bytes back, and leaves the copy. Nothing to do where they never went. */
export async function putBack(io: Io, edited: EditedFile): Promise<void> {
  const { file, kept, before, after } = edited
  if (before === after) return
  const stands = await standsAs(io, edited)
  if (stands === 'before') return
  if (stands === 'other') throw changedByAnother(file)
  if ((await io.files.stat(kept)) === null || (await io.files.hash(kept)) !== before) {
    throw new RunbookError('failed', `cannot put ${file} back: its copy ${kept} is missing or changed`, { hint: 'restore it from version control' })
  }
  await io.files.replace(file, kept)
}

/** What a probe finds of an exchange. Undone means that the copy is gone too. */
export async function fileFound(look: Pick<Look, 'files'>, edited: EditedFile, way: 'forward' | 'back'): Promise<Found<EditedFile>> {
  const { file, kept, before, after } = edited
  const stands = await standsAs(look, edited)
  if (stands === 'other') return { is: 'torn', why: `${file} is neither what it was nor what it was to be` }
  if (way === 'forward') return stands === 'after' ? { is: 'done', output: edited } : { is: 'absent' }
  if (stands === 'after' && before !== after) return { is: 'torn', why: `${file} is still the changed one` }
  const left = (await look.files.stat(kept)) ?? (await look.files.stat(`${kept}.partial`))
  return left === null ? { is: 'absent' } : { is: 'torn', why: `the copy ${kept} lies about` }
}

export async function forget(io: Io, { kept }: EditedFile): Promise<void> {
  await io.files.removeTree(kept)
  await io.files.removeTree(`${kept}.partial`)
}

const changedByAnother = (file: string): RunbookError =>
  new RunbookError('failed', `somebody else changed ${file} meanwhile`, { hint: 'look what they did before you go on' })

/** All that steps have in common that change one file by an edit of its bytes; an edit that was made already changes nothing. */
export const editing = <I extends { readonly file: string }>(edit: (body: Uint8Array, input: I) => Uint8Array) => ({
  survey: async (look: Look, input: I): Promise<EditedFile> => surveyed(look, input.file, edit(await bytesOf(look, input.file), input)),
  run: async (io: Io, { input, before }: { readonly input: I; readonly before: EditedFile }): Promise<EditedFile> => {
    await exchange(io, before, edit(await bytesOf(io, input.file), input))
    return before
  },
  probe: (look: Look, { before, way }: { readonly before: EditedFile; readonly way: 'forward' | 'back' }) => fileFound(look, before, way),
  undo: async (io: Io, { before }: { readonly before: EditedFile }): Promise<void> => {
    await putBack(io, before)
    await forget(io, before)
  },
})

/** For preflight: what an edit would trip over, as a refusal. */
export async function troubleWith(file: string, doing: string, edit: () => Promise<unknown>): Promise<readonly Finding[]> {
  try {
    await edit()
    return []
  } catch (thrown) {
    const { message, hint } = failureOf(thrown)
    return [{ level: 'refuse', about: file, problem: `${doing}: ${message}`, hint: hint ?? 'mend the file' }]
  }
}
