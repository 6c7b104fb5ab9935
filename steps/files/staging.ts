import {
  defineStep,
  excludedWithParents,
  isPending,
  openingOf,
  say,
  type BackupPlace,
  type Finding,
  type Look,
  type Preview,
  type VolumePath,
  shellWord,
} from '../../src/index.ts'
import { choose } from '../backups/lib/choose-backup.ts'
import { pathOf } from '../backups/lib/choose-tree-path.ts'
import { cipherOf } from './lib/cipher.ts'
import { missingRightFindings } from './lib/missing-right.ts'

/**
 * How an archive is chosen that is read from staging. `as`: what becomes of it there. `unpacked` is the default;
 * `decrypted`: only an encrypted one is copied; `database`: only an encrypted or compressed one is; `tree`: it may also be a folder, which is used in place.
 */
type Archive = {
  readonly from: BackupPlace
  readonly file: string | null
  readonly as?: 'unpacked' | 'decrypted' | 'database' | 'tree'
}

/** A folder that is archived, and whose archive is unpacked again in staging. */
type Folder = { readonly folder: string; readonly exclude: readonly string[] }

type Input = { readonly under: string }
/** What will be in staging, as far as it is known before the run. Missing in older runs. */
type Making = Input & {
  readonly archives?: readonly Archive[]
  readonly folders?: readonly Folder[]
  /** Files of volumes that are copied. */
  readonly copies?: readonly VolumePath[]
}
export type Staging = { readonly folder: string }

/**
 * Creates the run's own staging folder, in which archives are unpacked for inspection. Undone by removing it.
 */
export const makeStaging = defineStep<Making, Staging, Staging>({
  kind: 'files.make-staging',
  version: 1,
  effect: 'change',
  describe: ({ under }) => say`Creates an empty folder for this run under ${under}.`,
  preflight: async (look, { under, ...contents }) => {
    if (isPending(under)) return []
    const free = await look.files.freeBytes(under)
    const needed = await leastBytes(look, contents)
    const rights = await missingRightFindings(look, [under])
    if (free > 0 && free >= needed) return rights
    const problem =
      free > 0
        ? `not enough space in ${under}: ${free} bytes free, and what this run puts there needs at least ${needed} bytes`
        : `no space left in ${under}`
    return [
      ...rights,
      { level: 'refuse', about: under, problem, hint: `make room: df -h ${shellWord(under)}` },
    ] satisfies Finding[]
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
  // It removes only what is under a name of this run.
  undoGuards: () => [],
  undo: (io, { before }) => io.files.removeTree(before.folder),
})

/**
 * The bytes that are needed at the very least: what an archive holds is no smaller than its file, and an encrypted
 * one is decrypted beside it first. How much it holds is known only once it was read.
 */
async function leastBytes(
  look: Look,
  { archives = [], folders = [], copies = [] }: Omit<Preview<Making>, 'under'>,
): Promise<number> {
  const sizes: readonly (() => Promise<number>)[] = [
    ...(isPending(archives) ? [] : archives.map((one) => () => bytesOfArchive(look, one))),
    ...(isPending(folders)
      ? []
      : folders.map(
          ({ folder, exclude }) =>
            () =>
              bytesIn(look, folder, exclude),
        )),
    ...(isPending(copies) ? [] : copies.map((at) => async () => (await look.volumes.stat(at))?.bytes ?? 0)),
  ]
  let bytes = 0
  for (const size of sizes) {
    // What cannot be read is reported by the step that reads it.
    bytes += await size().catch(() => 0)
    look.signal.throwIfAborted()
  }
  return bytes
}

async function bytesOfArchive(look: Look, archive: Preview<Archive>): Promise<number> {
  const { from, file, as = 'unpacked' } = archive
  if (isPending(from) || isPending(file) || isPending(as)) return 0
  const tree = as === 'tree' ? await pathOf(look, from, file) : null
  if (tree !== null && (await look.files.stat(tree))?.kind === 'directory') return 0
  const { name, bytes, file: path } = await choose(look, from, { file: tree ?? file, takenBefore: null })
  const decrypted = cipherOf(name) === null ? 0 : bytes
  if (as === 'database' && !isPending(from.decrypt))
    return decrypted + (await bytesOfDatabase(look, { name, bytes, file: path }, from))
  return as === 'decrypted' ? decrypted : decrypted + bytes
}

/** Of the database that a compressed backup becomes; where that is not known, it is no smaller than the backup. */
async function bytesOfDatabase(
  look: Look,
  { name, bytes, file }: { readonly name: string; readonly bytes: number; readonly file: string },
  from: Pick<BackupPlace, 'decrypt'>,
): Promise<number> {
  const header = await look.databases
    .header({ engine: 'sqlite' }, file, openingOf(from))
    // What cannot be opened now is reported by the step that reads it.
    .catch(() => null)
  look.signal.throwIfAborted()
  const { wrapped = [], inside = bytes } = header ?? {}
  return wrapped.length > (cipherOf(name) === null ? 0 : 1) ? inside : 0
}

/** Adds up sizes without reading contents, so files may change meanwhile. Links are not followed. */
async function bytesIn(look: Look, folder: string, exclude: readonly string[], at = ''): Promise<number> {
  let bytes = 0
  for (const name of await look.files.list(at === '' ? folder : `${folder}/${at}`)) {
    const path = at === '' ? name : `${at}/${name}`
    if (excludedWithParents(path, exclude)) continue
    const facts = await look.files.stat(`${folder}/${path}`)
    if (facts?.kind === 'directory') bytes += await bytesIn(look, folder, exclude, path)
    else if (facts?.kind === 'file') bytes += facts.bytes
  }
  return bytes
}

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
