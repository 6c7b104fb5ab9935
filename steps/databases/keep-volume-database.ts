import { defineStep, isPending, say, type ServiceGroup, type VolumePath } from '../../src/index.ts'
import type { StoppedServices } from '../services/stop-services.ts'
import { beside, fingerprintOf, requireStopped } from './lib/volume-files.ts'
import type { DumpLabel } from './lib/names.ts'

type Input = {
  readonly at: VolumePath
  readonly name: string
  /** Folder on this machine. */
  readonly folder: string
  /** Part of the file's name: `current`. */
  readonly label: DumpLabel
  readonly writers: StoppedServices
  readonly services: ServiceGroup
}

type Before = {
  readonly file: string
  readonly parts: readonly { readonly ending: string; readonly sha256: string }[]
}

/** A copy of a database with its log, on this machine. `file` is null where there was no database. */
export type KeptDatabase = {
  readonly file: string | null
  readonly endings: readonly string[]
  /** SHA-256 of each file, in the order of the endings. Missing in older journals. */
  readonly digests?: readonly string[]
}

/**
 * Copies a SQLite database out of a volume while the writers are stopped: main file, write-ahead log and
 * rollback journal. Byte by byte, so that no committed row is lost and a damaged database is kept too. The
 * name is chosen once, in the survey. Undone by removing the copy.
 * @throws RunbookError `failed` where a service runs again
 */
export const keepVolumeDatabase = defineStep<Input, KeptDatabase, Before>({
  kind: 'databases.keep-volume-database',
  version: 1,
  effect: 'change',
  timeoutSeconds: 3600,
  describe: ({ name, folder }) => say`Copies ${name} with its logs to ${folder}.`,
  preflight: async (look, { at, folder }) => {
    if (isPending(at) || isPending(folder)) return []
    const facts = await look.volumes.stat(at)
    const free = await look.files.freeBytes(folder)
    if (free >= (facts?.bytes ?? 0)) return []
    return [
      {
        level: 'refuse',
        about: folder,
        problem: `a copy needs ${facts?.bytes} bytes, and ${folder} has ${free} free`,
        hint: 'make room, or set retention.dumps in runbook.config.ts to a larger place',
      },
    ]
  },
  survey: async (look, { at, name, folder, label, services }) => {
    await requireStopped(look, services)
    const parts = []
    for (const ending of endings) {
      const sha256 = await fingerprintOf(look, beside(at, ending))
      if (sha256 !== null) parts.push({ ending, sha256 })
    }
    return { file: `${folder}/${name}-${label}-${look.run.id}.db`, parts }
  },
  predict: ({ before }) => ({ output: null, changes: before === undefined ? [] : [`a copy ${before.file}`] }),
  run: async (io, { input: { at, folder }, before }) => {
    await io.files.makeFolder(folder)
    for (const { ending } of before.parts)
      await io.volumes.fetch(beside(at, ending), `${before.file}${ending}`)
    return outputOf(before)
  },
  probe: async (look, { before, way }) => {
    const there = await Promise.all(
      before.parts.map(({ ending }) => look.files.stat(`${before.file}${ending}`)),
    )
    const partial = await Promise.all(
      before.parts.map(({ ending }) => look.files.stat(`${before.file}${ending}.partial`)),
    )
    const none = [...there, ...partial].every((one) => one === null)
    if (none && (way === 'back' || before.parts.length > 0)) return { is: 'absent' }
    if (partial.some((one) => one !== null) || there.some((one) => one === null))
      return { is: 'torn', why: `${before.file} is incomplete` }
    return { is: 'done', output: outputOf(before) }
  },
  rerunnable: true,
  // It removes only what is under a name of this run.
  undoGuards: () => [],
  undo: async (io, { before }) => {
    // Whoever reads a copy with its log makes the index of that log.
    await io.files.removeTree(`${before.file}-shm`)
    for (const { ending } of before.parts)
      for (const path of [`${before.file}${ending}.partial`, `${before.file}${ending}`])
        await io.files.removeTree(path)
  },
})

const endings = ['', '-wal', '-journal']

const outputOf = ({ file, parts }: Before): KeptDatabase => ({
  file: parts.length === 0 ? null : file,
  endings: parts.map(({ ending }) => ending),
  digests: parts.map(({ sha256 }) => sha256),
})
