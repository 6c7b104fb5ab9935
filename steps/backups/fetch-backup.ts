import {
  cacheOf,
  checksItself,
  defineStep,
  isPending,
  isRemote,
  placeName,
  RunbookError,
  say,
  vouchingFor,
  whenTaken,
  type BackupPlace,
  type Database,
  type Finding,
  type Io,
  type JsonObject,
  type Look,
  type Need,
  type RemotePlace,
  type Script,
  type StoredBackup,
  type Vouching,
  type Wired,
} from '../../src/index.ts'
import { folderOf, lastOf } from '../files/lib/path.ts'
import {
  entryAt,
  isOf,
  marksOf,
  recordFile,
  roomFor,
  secondsFor,
  useFile,
  type CacheEntry,
  type FetchRecord,
} from './lib/cache.ts'
import { choose } from './lib/choose-backup.ts'
import { freshness } from './lib/freshness.ts'
import { sourceOf, type OwnSource } from './lib/source.ts'

type Input = {
  readonly from: BackupPlace
  /** The backup to take; null takes the newest. */
  readonly file: string | null
  /** Only a backup taken before this moment is accepted; null accepts any. */
  readonly takenBefore: string | null
  /** What a manifest must name, where it is known before the backup is read. */
  readonly database?: Database
  /** Its age is no reason to refuse it. */
  readonly anyAge?: boolean
}

/** A backup that is on this machine now. */
export type FetchedBackup = JsonObject & {
  readonly file: string
  readonly name: string
  readonly bytes: number
  readonly sha256: string
  /** ISO 8601, UTC. */
  readonly takenAt: string
  /** What vouched for it while it was downloaded, in words. */
  readonly checkedBy: string
}

/**
 * Downloads the chosen backup from where backups are kept, with the checksum files and the manifest beside it. It is
 * verified by a later step like any other file. One that is in the cache and undamaged is not downloaded again. A
 * rollback keeps it: a file in the cache changes no service, and the next try needs no download.
 * @throws RunbookError `verification` where it is not what the place states, `preflight` without room for it
 */
export const fetchBackup = defineStep<Input, FetchedBackup>({
  kind: 'backups.fetch',
  version: 1,
  effect: 'exercise',
  leaves: ['processes'],
  timeoutSeconds: 12 * 3600,
  describe: ({ from, file, takenBefore }) => {
    const before = takenBefore === null ? '' : say` taken before ${takenBefore}`
    const what = file === null ? `the newest backup${before}` : say`${file}`
    return isPending(from)
      ? `Downloads ${what}.`
      : `Downloads ${what} from ${placeName(from)} into ${from.directory}, unless it is there.`
  },
  needs: ({ from }) => (isPending(from) ? [] : needed(from)),
  preflight: async (look, input) => {
    const { from, file, takenBefore, database } = input
    if (isPending(from) || isPending(file) || isPending(takenBefore) || !isRemote(from)) return []
    const own = async (): Promise<OwnSource> =>
      database === undefined || isPending(database) ? anySource : await sourceOf(look, database)
    const found = await freshness(look, { from, file, takenBefore }, own)
    const findings = input.anyAge === true ? found.map((one): Finding => ({ ...one, level: 'warn' })) : found
    const backup = await chosen(look, { from, file, takenBefore })
    const { lacking } = (await isCached(look, backup)) ? { lacking: null } : await roomFor(look, from, backup)
    return lacking === null
      ? findings
      : [
          ...findings,
          {
            level: 'refuse',
            about: backup.name,
            problem: lacking.message,
            hint: lacking.hint ?? '',
          } satisfies Finding,
        ]
  },
  predict: async ({ input, look }) => {
    const { from, file, takenBefore } = input
    if (isPending(from) || isPending(file) || isPending(takenBefore) || !isRemote(from))
      return { output: null }
    const backup = await chosen(look, { from, file, takenBefore })
    const cached = await entryAt(look, backup.file)
    if (cached !== null && isOf(cached, backup))
      return { output: { file: backup.file, name: backup.name, bytes: backup.bytes } }
    const { evict, missing } = await roomFor(look, from, backup)
    const seconds = await secondsFor(look, from, missing)
    return {
      output: { file: backup.file, name: backup.name, bytes: backup.bytes, takenAt: backup.takenAt },
      changes: [
        `${backup.object.key} is downloaded from ${placeName(from)} to ${backup.file} (${missing} bytes)`,
        ...evict.map((one) => `${one.file} is removed from the cache (${one.bytes} bytes)`),
      ],
      bytes: missing,
      ...(seconds === undefined ? {} : { seconds }),
    }
  },
  run: async (io, input) => {
    const { from } = input
    if (!isRemote(from))
      throw new RunbookError(
        'usage',
        `the backups in ${from.directory} are files of this machine: nothing is to be downloaded`,
        {
          hint: 'use chosenBackup, which adds this step only where it is needed',
        },
      )
    return fetched(io, from, await chosen(io, { ...input, from }))
  },
})

/** Downloads a backup into the cache and marks it as used by this run, unless it is there and undamaged. */
export async function fetched(io: Io, from: RemotePlace, backup: StoredBackup): Promise<FetchedBackup> {
  const vouching = await vouchingFor(io, from, backup)
  await io.files.makeFolder(folderOf(backup.file))
  // Before anything is looked at, so that no other run removes it meanwhile.
  await io.files.write(useFile(backup.file, io.run.id), `${io.clock.now().toISOString()}\n`)
  const record = (await intact(io, backup)) ?? (await downloaded(io, from, backup, vouching))
  await writeRecord(io, backup.file, { ...record, usedAt: io.clock.now().toISOString() })
  const checkedBy = checkOf(from, vouching)
  io.note(
    `${backup.name}: ${backup.bytes} bytes, ${whenTaken(backup)}, from ${placeName(from)}; checked by ${checkedBy}`,
  )
  return {
    file: backup.file,
    name: backup.name,
    bytes: backup.bytes,
    sha256: record.sha256,
    takenAt: backup.takenAt,
    checkedBy,
  }
}

const anySource: OwnSource = { kind: 'postgres', system: null }

function needed(from: BackupPlace): readonly Need[] {
  if (!isRemote(from) || from.from.kind === 's3') return []
  return [{ program: from.from.kind, why: `reads ${placeName(from)}` }]
}

async function chosen(
  look: Look,
  { from, file, takenBefore }: Input & { readonly from: RemotePlace },
): Promise<StoredBackup> {
  return (await choose(look, from, { file, takenBefore })) as StoredBackup
}

const isCached = async (look: Pick<Look, 'files' | 'clock'>, backup: StoredBackup): Promise<boolean> => {
  const entry = await entryAt(look, backup.file)
  return entry !== null && isOf(entry, backup)
}

type Complete = FetchRecord & { readonly sha256: string }

/** The record of a download that is there and undamaged; null if it has to be fetched. */
async function intact(io: Io, backup: StoredBackup): Promise<Complete | null> {
  const entry = await entryAt(io, backup.file)
  if (entry === null || !isOf(entry, backup)) return null
  if ((await io.files.hash(backup.file)) === entry.record.sha256) {
    io.note(`${backup.file} is in the cache and undamaged`)
    return entry.record as Complete
  }
  io.note(`${backup.file} is damaged and is downloaded again`)
  return null
}

async function downloaded(
  io: Io,
  from: RemotePlace,
  backup: StoredBackup,
  vouching: Vouching,
): Promise<Complete> {
  const { evict, lacking, missing } = await roomFor(io, from, backup)
  if (lacking !== null) throw lacking
  for (const entry of evict) {
    await removeEntry(io, entry)
    io.note(`removed ${entry.file} from the cache (${entry.bytes} bytes)`)
  }
  const { file, object, bytes } = backup
  const sidecars = [...vouching.beside.read]
  const begun: FetchRecord = {
    key: object.key,
    version: object.version,
    bytes,
    sha256: null,
    files: [backup.name, ...sidecars.map(([name]) => name), `${backup.name}.sha256`],
    usedAt: io.clock.now().toISOString(),
    seconds: null,
  }
  // Before the first byte, so that whatever a killed run leaves is known to belong to the cache.
  await writeRecord(io, file, begun)
  const began = io.clock.monotonic()
  const { sha256 } = await io.places.fetch(from.from, object, file)
  const seconds = (io.clock.monotonic() - began) / 1000
  for (const left of [`${file}.sha256`, `${file}.manifest.json`, `${file}.manifest.json.sig`])
    await io.files.removeTree(left)
  for (const [name, body] of sidecars) await io.files.write(`${folderOf(file)}/${name}`, body)
  // The file is compared with it when it is verified.
  if (vouching.expected === null && (vouching.digest !== null || checksItself(from)))
    await io.files.write(`${file}.sha256`, `${sha256}  ${backup.name}\n`)
  return { ...begun, sha256, seconds: missing === bytes ? seconds : null }
}

const writeRecord = (io: Pick<Io, 'files'>, file: string, record: FetchRecord): Promise<void> =>
  io.files.write(recordFile(file), `${JSON.stringify(record)}\n`)

/** The record goes last: what a kill leaves is still known to belong to the cache. */
export async function removeEntry(
  io: Pick<Io, 'files'>,
  { file, record }: Pick<CacheEntry, 'file' | 'record'>,
): Promise<void> {
  const own = record.files.filter((name) => name.startsWith(lastOf(file)))
  for (const name of own) await io.files.removeTree(`${folderOf(file)}/${name}`)
  await io.files.removeTree(`${file}.partial`)
  await io.files.removeTree(`${file}.partial.json`)
  await io.files.removeTree(recordFile(file))
}

function checkOf(from: RemotePlace, { expected, digest }: Vouching): string {
  const beside =
    expected === null
      ? ''
      : expected.manifest === undefined
        ? 'the checksum beside it'
        : 'its signed manifest'
  const kept =
    digest === null
      ? checksItself(from)
        ? 'the hashes of the repository'
        : 'its size alone'
      : `the ${digest.algorithm.toUpperCase()} that the place keeps`
  return beside === ''
    ? kept
    : digest === null && !checksItself(from)
      ? `its size alone so far; ${beside} follows`
      : `${kept}; ${beside} follows`
}

/** Ends the use of a download by this run, so that the cache may remove it. */
export const releaseBackup = defineStep<
  { readonly from: BackupPlace },
  { readonly released: readonly string[] }
>({
  kind: 'backups.release',
  version: 1,
  effect: 'exercise',
  leaves: ['processes'],
  describe: ({ from }) =>
    say`Lets the downloads in ${isPending(from) ? from : from.directory} go when room is needed; they stay until then.`,
  secrets: () => [],
  predict: () => ({ output: null }),
  run: async (io, { from }) => ({ released: await releaseAll(io, from) }),
})

/** Ends the use of all downloads of a place by this run. */
export async function releaseAll(io: Io, { directory }: BackupPlace): Promise<readonly string[]> {
  const released = await marksOf(io, directory, io.run.id)
  for (const mark of released) await io.files.removeTree(mark)
  return released
}

type Recording = Script<unknown, never>

type Choice = {
  readonly from: BackupPlace
  readonly file: Wired<string | null>
  /** Left out or null, any time. */
  readonly takenBefore?: Wired<string | null>
  readonly database?: Database
  readonly anyAge?: boolean
}

/**
 * Where a runbook takes its backup from: the folder in which backups arrive, or else the download of the chosen one,
 * for which this adds a step. Add it before anything is stopped, and `releaseChosen` at the end.
 * @returns what the steps that verify a backup take
 */
export function chosenBackup(
  step: Recording['step'],
  { from, file, takenBefore = null, database, anyAge = false }: Choice,
): { readonly from: BackupPlace; readonly file: Wired<string | null> } {
  if (!isRemote(from)) return { from, file }
  const fetched = step(
    'Download the backup',
    fetchBackup({
      from,
      file,
      takenBefore,
      ...(database === undefined ? {} : { database }),
      ...(anyAge ? { anyAge } : {}),
    }),
    { id: 'download-the-backup' },
  )
  return { from: cacheOf(from), file: fetched.file }
}

/** Ends the use of what `chosenBackup` downloaded; adds nothing where it downloads nothing. */
export function releaseChosen(lastly: Recording['lastly'], from: BackupPlace): void {
  if (isRemote(from))
    lastly('Release the downloaded backup', releaseBackup({ from: cacheOf(from) }), {
      id: 'release-the-downloaded-backup',
    })
}
