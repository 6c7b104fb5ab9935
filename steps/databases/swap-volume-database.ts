import {
  defineStep,
  isPending,
  RunbookError,
  sameJson,
  say,
  type Io,
  type Look,
  type Ownership,
  type ServiceGroup,
  type VolumePath,
} from '../../src/index.ts'
import type { StoppedServices } from '../services/stop-services.ts'
import type { ComparedFiles } from './compare-kept.ts'
import type { ExaminedBackup } from './examine-backup.ts'
import type { KeptDatabase } from './keep-volume-database.ts'
import { requireAsShown } from '../files/lib/ours.ts'
import { keepWritten, keptFrom, type KeepIn } from './lib/keep-written.ts'
import { beside, fingerprintOf, partsAt, requireStopped, sidecars, type Part } from './lib/volume-files.ts'

type Input = {
  readonly at: VolumePath
  readonly backup: ExaminedBackup
  /** Taken by this run. Nothing else keeps the old data once the exchange is final. */
  readonly kept: KeptDatabase
  readonly writers: StoppedServices
  readonly services: ServiceGroup
  /** Used where there is no live file to take them from. */
  readonly ownership: Ownership
  /**
   * Where the undo puts a file that was written to while it was live. Missing in older journals: it then stays
   * in the volume.
   */
  readonly keepIn?: KeepIn
  /** Rows of both files, for the report. */
  readonly compared?: ComparedFiles
}

type Before = {
  /** Digests of what was live: the undo must bring exactly this back. */
  readonly parts: readonly Part[]
  readonly staged: string
  readonly aside: string
  readonly ownership: Ownership
  /**
   * When the instances of the services were last started; null where one does not tell. Missing in older
   * journals.
   */
  readonly started?: readonly string[] | null
}

export type SwappedFile = {
  readonly sha256: string
  readonly aside: string
  readonly endings: readonly string[]
}

/**
 * Exchanges the live SQLite file of a volume with an examined backup by renaming, with the live one's owner
 * and mode. The old file moves aside with its `-wal`, `-shm` and `-journal`: an old log beside the new file
 * would bring old data back. Works on stopped containers. Undone by exchanging the names again; the digests
 * prove every byte. A restored file that was written to meanwhile is copied to this machine first, with its logs;
 * one that still equals the backup is removed.
 * @throws RunbookError `failed` where a service runs again, `verification` where the backup changed, `in-doubt`
 * where the undo finds a file that neither this run nor a service of it wrote
 */
export const swapVolumeDatabase = defineStep<Input, SwappedFile, Before>({
  kind: 'databases.swap-volume-database',
  version: 1,
  effect: 'change',
  timeoutSeconds: 3600,
  marks: { rows: (_, { compared }) => compared?.compared ?? null },
  describe: ({ at, backup }) =>
    say`Replaces ${isPending(at) ? at : at.path} by ${isPending(backup) ? backup : backup.source}, ` +
    'with the owner and mode of the old file, and moves the old file with its -wal and -shm aside.',
  survey: async (look, { at, kept, services, ownership }) => {
    await requireStopped(look, services)
    const live = await look.volumes.stat(at)
    if (live !== null && live.kind !== 'file')
      throw new RunbookError('failed', `${at.path} of ${at.service} is a ${live.kind}, not a file`, {
        hint: 'check it, and volumeDatabase.path in runbook.config.ts',
      })
    const parts = await partsAt(look, at)
    requireKept(at, parts, kept)
    return {
      parts,
      staged: `${at.path}.rb-${look.run.id}`,
      aside: `${at.path}.old-${look.run.id}`,
      ownership: live === null ? ownership : { uid: live.uid, gid: live.gid, mode: live.mode },
      started: await startsOf(look, services),
    }
  },
  predict: ({ input: { backup, at }, before }) => ({
    output: before === undefined || isPending(backup) ? null : outputOf(backup, before),
    changes: isPending(at)
      ? []
      : [
          `${at.path} holds the backup`,
          `the old file is kept as ${before?.aside ?? 'another file beside it'}`,
        ],
  }),
  run: async (io, { input, before }) => {
    const { at, backup, services } = input
    await requireStopped(io, services)
    const staged = { ...at, path: before.staged }
    const aside = { ...at, path: before.aside }
    const there = async (path: VolumePath): Promise<boolean> => (await io.volumes.stat(path)) !== null
    const exchanged = (await there(aside)) || (before.parts.length === 0 && (await there(at)))
    if (!exchanged || !(await there(at))) {
      const { sha256 } = await io.volumes.put(backup.file, staged, before.ownership)
      if (sha256 !== backup.sha256)
        throw new RunbookError('verification', `${backup.file} changed since it was examined`, {
          hint: 'find out who writes to it, then start again',
        })
    }
    // The main file moves last: while it is in place, everything beside it belongs to it.
    for (const { ending } of before.parts.toReversed()) {
      if (!(await there(beside(aside, ending))))
        await io.volumes.move(beside(at, ending), beside(aside, ending).path)
    }
    if (!(await there(at))) await io.volumes.move(staged, at.path)
    return outputOf(backup, before)
  },
  probe: async (look, { input: { at, backup }, before, way }) => {
    const staged = { ...at, path: before.staged }
    const unfinished = (await look.volumes.stat(staged)) !== null || (await look.volumes.leftover(staged))
    const aside = await partsAt(look, { ...at, path: before.aside })
    const live = await partsAt(look, at)
    if (!unfinished && aside.length === 0 && same(live, before.parts)) return { is: 'absent' }
    const [main, ...rest] = live
    if (
      way === 'forward' &&
      !unfinished &&
      same(aside, before.parts) &&
      main?.ending === '' &&
      main.sha256 === backup.sha256 &&
      rest.length === 0
    ) {
      return { is: 'done', output: outputOf(backup, before) }
    }
    const leftovers = [
      ...live.slice(1).map(({ ending }) => ending),
      ...(unfinished ? ['an incomplete copy'] : []),
      ...(aside.length > 0 ? ['the old file'] : []),
    ]
    return {
      is: 'torn',
      why:
        leftovers.length === 0
          ? `${at.path} is not the previous file`
          : `left beside ${at.path}: ${leftovers.join(', ')}`,
    }
  },
  rerunnable: true,
  undoGuards: ({ input, before }) => [
    { of: [{ volumePath: input.at }], check: (look) => mustBeOurs(look, input, before) },
  ],
  undo: async (io, { input, before }) => {
    const { at, services } = input
    await requireStopped(io, services)
    const aside = { ...at, path: before.aside }
    // With the old main file aside, or without one before, everything in its place came with the backup.
    if ((await io.volumes.stat(aside)) !== null || before.parts.length === 0) await keepWritten(io, input)
    await restoreParts(io, at, before)
  },
  remains: (look, { input }) => keptFrom(look, input),
})

/** Once the exchange is final, the copy is all that is left of the old data: it must be of what is replaced. */
function requireKept(at: VolumePath, parts: readonly Part[], { parts: kept }: KeptDatabase): void {
  if (kept === undefined) return
  // The index of a log is made again from the log, and is not copied.
  const data = parts.filter(({ ending }) => ending !== '-shm')
  const shown = (all: readonly Part[]) => all.map(({ ending, sha256 }) => `${ending} ${sha256}`).join(', ')
  requireAsShown(`${at.path} of ${at.service}`, shown(data), shown(kept))
}

/** Null where an instance does not tell when it was started. */
async function startsOf(look: Look, services: ServiceGroup): Promise<readonly string[] | null> {
  const instances = (await look.services.states(services)).flatMap((one) => one.instances)
  return instances.some(({ startedAt }) => startedAt === null)
    ? null
    : instances.map(({ id, startedAt }) => `${id} ${startedAt}`)
}

/**
 * For an undo that replaces the live file: with the old file aside, the live one must be the backup, or the work
 * of a service, which must have been started since; with none aside, it must be the old one.
 * @throws RunbookError `in-doubt`
 */
async function mustBeOurs(
  look: Look,
  { at, backup, services }: Pick<Input, 'at' | 'backup' | 'services'>,
  { parts: [old], aside, started }: Before,
): Promise<void> {
  const doubt = (problem: string): never => {
    throw new RunbookError('in-doubt', `${at.path} of ${at.service} ${problem}`, {
      hint: 'find out who changed it, and which data it should have; nothing was moved or removed',
    })
  }
  // Journals of earlier versions keep their way.
  if (started === undefined) return
  if (old !== undefined && (await look.volumes.stat({ ...at, path: aside })) === null) {
    const live = await fingerprintOf(look, at)
    if (live === null) doubt(`is gone, and so is the old file at ${aside}: the volume may be another one`)
    if (live !== old.sha256)
      doubt('is not the old file, which is not beside it either: somebody else replaced it')
  } else if (started !== null && sameJson(await startsOf(look, services), started)) {
    const live = await fingerprintOf(look, at)
    if (live !== null && live !== backup.sha256)
      doubt('is not the file that this run put there: somebody else replaced it')
  }
}

/** Resumes after a kill between any two of its moves. */
async function restoreParts(io: Io, at: VolumePath, before: Before): Promise<void> {
  const aside = { ...at, path: before.aside }
  const there = async (path: VolumePath): Promise<boolean> => (await io.volumes.stat(path)) !== null
  // With the old main file aside, or without one before, everything in its place came with the backup.
  if ((await there(aside)) || before.parts.length === 0) {
    for (const ending of [...sidecars, '']) await io.volumes.remove(beside(at, ending))
  }
  for (const { ending } of before.parts)
    if (await there(beside(aside, ending)))
      await io.volumes.move(beside(aside, ending), beside(at, ending).path)
  await io.volumes.remove({ ...at, path: before.staged })
}

const same = (one: readonly Part[], other: readonly Part[]): boolean =>
  one.length === other.length &&
  one.every(({ ending, sha256 }, index) => ending === other[index]?.ending && sha256 === other[index]?.sha256)

const outputOf = ({ sha256 }: ExaminedBackup, { aside, parts }: Before): SwappedFile => ({
  sha256,
  aside,
  endings: parts.map(({ ending }) => ending),
})

type RemoveInput = { readonly at: VolumePath; readonly swapped: SwappedFile; readonly kept: KeptDatabase }

/**
 * Removes the old file from the volume once the restored one is in service. Its copy on this machine stays. A file that
 * is no longer what was copied stays too, and is named.
 */
export const removeOldFile = defineStep<
  RemoveInput,
  { readonly removed: readonly string[] },
  { readonly paths: readonly string[] }
>({
  kind: 'databases.remove-old-file',
  version: 1,
  effect: 'destroy',
  irreversible: 'only its copy on this machine stays',
  describe: ({ kept }) =>
    isPending(kept) || kept.file !== null
      ? say`Removes the old database file from the volume; its copy ${isPending(kept) ? kept : kept.file} stays.`
      : 'Removes the old database file from the volume.',
  survey: async (_, { swapped }) => ({ paths: swapped.endings.map((ending) => `${swapped.aside}${ending}`) }),
  predict: ({ before }) => ({ output: before === undefined ? null : { removed: before.paths } }),
  run: async (io, { input, before: { paths } }) => {
    const stays = await whyItStays(io, input)
    if (stays !== null) {
      io.remains(stays)
      return { removed: [] }
    }
    for (const path of paths) await io.volumes.remove({ ...input.at, path })
    return { removed: paths }
  },
  probe: async (look, { input, before: { paths } }) => {
    const there: string[] = []
    for (const path of paths) if ((await look.volumes.stat({ ...input.at, path })) !== null) there.push(path)
    if (there.length === 0) return { is: 'done', output: { removed: paths } }
    const stays = await whyItStays(look, input)
    if (stays === null) return { is: 'absent' }
    look.note(stays)
    return { is: 'done', output: { removed: [] } }
  },
  rerunnable: true,
})

/** Null where each file is the one that was copied, or gone; journals of earlier versions have no digests of them. */
async function whyItStays(look: Look, { at, swapped, kept }: RemoveInput): Promise<string | null> {
  for (const { ending, sha256 } of kept.parts ?? []) {
    const path = `${swapped.aside}${ending}`
    const now = await fingerprintOf(look, { ...at, path })
    if (now !== null && now !== sha256)
      return `${path} of ${at.service} stays: it is not the file that this run put aside and copied, since somebody replaced it or wrote to it`
  }
  return null
}
