import {
  defineStep,
  isPending,
  say,
  type Backup,
  type BackupPlace,
  type Finding,
  type Look,
  type Preview,
} from '../../src/index.ts'
import { choose } from '../backups/lib/choose-backup.ts'
import { cipherOf } from './lib/cipher.ts'

/** How an archive is chosen that will be unpacked into staging. */
type Archive = { readonly from: BackupPlace; readonly file: string | null }

type Input = { readonly under: string }
/** `archives` is missing in older runs, and where the archives are not known before the run. */
type Making = Input & { readonly archives?: readonly Archive[] }
export type Staging = { readonly folder: string }

/**
 * Creates the run's own staging folder, in which archives are unpacked for inspection. Undone by removing it.
 */
export const makeStaging = defineStep<Making, Staging, Staging>({
  kind: 'files.make-staging',
  version: 1,
  effect: 'change',
  describe: ({ under }) => say`Creates an empty folder for this run under ${under}.`,
  preflight: async (look, { under, archives }) => {
    if (isPending(under)) return []
    const free = await look.files.freeBytes(under)
    const needed = await leastBytes(look, archives)
    if (free > 0 && free >= needed) return []
    const problem =
      free > 0
        ? `not enough space in ${under}: ${free} bytes free, and the archives need at least ${needed} bytes`
        : `no space left in ${under}`
    return [{ level: 'refuse', about: under, problem, hint: `make room: df -h ${under}` }] satisfies Finding[]
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

/**
 * The bytes that unpacking needs at the very least: what an archive holds is no smaller than its file, and an
 * encrypted one is decrypted beside it first. How much it holds is known only once it was read.
 */
async function leastBytes(look: Look, archives: Preview<Making>['archives']): Promise<number> {
  if (archives === undefined || isPending(archives)) return 0
  let bytes = 0
  for (const archive of archives) {
    const backup = isPending(archive) ? null : await chosen(look, archive)
    if (backup !== null) bytes += backup.bytes * (cipherOf(backup.name) === null ? 1 : 2)
  }
  return bytes
}

/** Null where none can be chosen, which the step that chooses it reports. */
async function chosen(look: Look, { from, file }: Preview<Archive>): Promise<Backup | null> {
  if (isPending(from) || isPending(file)) return null
  try {
    return await choose(look, from, { file, takenBefore: null })
  } catch {
    look.signal.throwIfAborted()
    return null
  }
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
