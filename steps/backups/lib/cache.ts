import {
  placeName,
  RunbookError,
  type JsonObject,
  type StoredBackup,
  type Look,
  type RemotePlace,
  shellWord,
} from '../../../src/index.ts'
import { folderOf, lastOf } from '../../files/lib/path.ts'

/** What is written beside a download: `FILE.fetched.json`. */
export type FetchRecord = JsonObject & {
  readonly key: string
  readonly version: string
  readonly bytes: number
  /** Null until the download is complete. */
  readonly sha256: string | null
  /** The files that belong to it, by name. */
  readonly files: readonly string[]
  /** ISO 8601. */
  readonly usedAt: string
  /** How long the download took, where all of it was fetched at once. */
  readonly seconds: number | null
}

/** A download in the cache, complete or not. */
export type CacheEntry = {
  readonly file: string
  readonly record: FetchRecord
  /** On disk, with what is partial. */
  readonly bytes: number
  readonly complete: boolean
  /** Runs that use it. */
  readonly usedBy: readonly string[]
}

/** A run that was given up without an end no longer keeps its download after this time. Milliseconds. */
const abandoned = 7 * 86_400_000
const largestRecord = 1 << 16
const deepest = 12

export const recordFile = (file: string): string => `${file}.fetched.json`
export const useFile = (file: string, run: string): string => `${file}.used-by-${run}`

/** All downloads of a cache. What no record names is not ours and is never touched. */
export async function entriesOf(
  look: Pick<Look, 'files' | 'clock'>,
  folder: string,
): Promise<readonly CacheEntry[]> {
  const entries: CacheEntry[] = []
  for (const path of await filesBelow(look, folder)) {
    if (!path.endsWith(recordFile(''))) continue
    const entry = await entryAt(look, path.slice(0, -recordFile('').length))
    if (entry !== null) entries.push(entry)
  }
  return entries
}

/** The marks by which a run keeps its downloads. */
export const marksOf = async (
  look: Pick<Look, 'files'>,
  folder: string,
  run: string,
): Promise<readonly string[]> =>
  (await filesBelow(look, folder)).filter((path) => path.endsWith(useFile('', run)))

async function filesBelow(look: Pick<Look, 'files'>, folder: string): Promise<readonly string[]> {
  const found: string[] = []
  const walk = async (at: string, depth: number): Promise<void> => {
    const kind = (await look.files.stat(at))?.kind
    if (kind === 'file') found.push(at)
    if (kind !== 'directory' || depth > deepest) return
    for (const name of await look.files.list(at)) await walk(`${at}/${name}`, depth + 1)
  }
  await walk(folder, 0)
  return found
}

/** The download of a file; null where there is no record of one. */
export async function entryAt(look: Pick<Look, 'files' | 'clock'>, file: string): Promise<CacheEntry | null> {
  const record = await recordOf(look, file)
  if (record === null) return null
  const [whole, partial] = [await look.files.stat(file), await look.files.stat(`${file}.partial`)]
  const marks = (await look.files.list(folderOf(file))).filter((name) =>
    name.startsWith(useFile(lastOf(file), '')),
  )
  const usedBy: string[] = []
  for (const mark of marks)
    if (await isFresh(look, `${folderOf(file)}/${mark}`))
      usedBy.push(mark.slice(useFile(lastOf(file), '').length))
  return {
    file,
    record,
    bytes: (whole?.bytes ?? 0) + (partial?.bytes ?? 0),
    complete: record.sha256 !== null && whole?.kind === 'file' && whole.bytes === record.bytes,
    usedBy,
  }
}

/** A mark says when it was set; one that does not is taken for a fresh one. */
async function isFresh(look: Pick<Look, 'files' | 'clock'>, mark: string): Promise<boolean> {
  const since = Date.parse(new TextDecoder().decode(await look.files.read(mark, largestRecord)).trim())
  return !(look.clock.now().getTime() - since >= abandoned)
}

async function recordOf(look: Pick<Look, 'files'>, file: string): Promise<FetchRecord | null> {
  if ((await look.files.stat(recordFile(file)))?.kind !== 'file') return null
  try {
    const text = new TextDecoder().decode(await look.files.read(recordFile(file), largestRecord))
    const read = JSON.parse(text) as Partial<FetchRecord>
    return typeof read.key === 'string' &&
      typeof read.version === 'string' &&
      typeof read.bytes === 'number' &&
      Array.isArray(read.files) &&
      typeof read.usedAt === 'string'
      ? ({ sha256: null, seconds: null, ...read } as FetchRecord)
      : null
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return null
    throw thrown
  }
}

/** Whether it is a complete download of this backup, and not of one that was replaced since. */
export const isOf = ({ record, complete }: CacheEntry, { object }: StoredBackup): boolean =>
  complete && record.key === object.key && record.version === object.version

/** Which downloads go so that a backup has room, and why there is none. */
export type Room = {
  readonly evict: readonly CacheEntry[]
  readonly lacking: RunbookError | null
  readonly missing: number
}

/** Decides what is removed from the cache: the least recently used first, never what a run uses. */
export async function roomFor(
  look: Pick<Look, 'files' | 'clock'>,
  place: RemotePlace,
  backup: StoredBackup,
): Promise<Room> {
  const entries = await entriesOf(look, place.directory)
  const own = entries.find(({ file }) => file === backup.file)
  const others = entries.filter((one) => one !== own)
  const limit = place.cacheBytes ?? Number.POSITIVE_INFINITY
  const missing = Math.max(0, backup.bytes - (own?.record.version === backup.object.version ? own.bytes : 0))
  const free = await look.files.freeBytes(place.directory)
  const evictable = others
    .filter(({ usedBy }) => usedBy.length === 0)
    .toSorted((one, other) => Date.parse(one.record.usedAt) - Date.parse(other.record.usedAt))
  const evict: CacheEntry[] = []
  const freed = (): number => evict.reduce((sum, { bytes }) => sum + bytes, 0)
  const held = others.reduce((sum, { bytes }) => sum + bytes, 0)
  const fits = (): boolean => held - freed() + backup.bytes <= limit && free + freed() >= missing
  while (!fits() && evictable.length > 0) evict.push(evictable.shift() as CacheEntry)
  return {
    evict,
    missing,
    lacking: fits() ? null : noRoom(place, backup, { limit, free: free + freed(), missing, others }),
  }
}

function noRoom(
  place: RemotePlace,
  backup: StoredBackup,
  {
    limit,
    free,
    missing,
    others,
  }: {
    readonly limit: number
    readonly free: number
    readonly missing: number
    readonly others: readonly CacheEntry[]
  },
): RunbookError {
  const used = others.filter(({ usedBy }) => usedBy.length > 0)
  const problem =
    backup.bytes > limit
      ? `${backup.name} has ${backup.bytes} bytes, more than the limit of the cache (${limit})`
      : free < missing
        ? `${missing} bytes are needed in ${place.directory} for ${backup.name}, and ${free} are free`
        : `the cache ${place.directory} is full: its limit is ${limit} bytes, and other runs use ${used.map(({ file, usedBy }) => `${lastOf(file)} (${usedBy.join(', ')})`).join(', ')}`
  return new RunbookError(
    'preflight',
    `no room to download ${backup.object.key} from ${placeName(place)}: ${problem}`,
    {
      hint:
        free < missing
          ? `make room: df -h ${shellWord(place.directory)}; or set backups.directory to a larger disk`
          : 'raise backups.cache in runbook.config.ts, or finish the runs that use it: runbook status',
    },
  )
}

/** Seconds that a download takes by the latest one in the cache whose time is known; undefined if none is. */
export async function secondsFor(
  look: Pick<Look, 'files' | 'clock'>,
  place: RemotePlace,
  bytes: number,
): Promise<number | undefined> {
  const [latest] = (await entriesOf(look, place.directory))
    .filter(({ record }) => record.seconds !== null && record.seconds > 0 && record.bytes > 0)
    .toSorted((one, other) => Date.parse(other.record.usedAt) - Date.parse(one.record.usedAt))
  return latest === undefined
    ? undefined
    : Math.ceil((bytes / latest.record.bytes) * (latest.record.seconds ?? 0))
}
