import {
  backupPattern,
  checksumsBeside,
  isDateFolder,
  manifestFiles,
  RunbookError,
  timesOf,
  type Backup,
  type BackupPlace,
  type Expected,
  type Look,
  type Store,
  type StoredDigest,
  type StoredObject,
} from '../../../src/index.ts'
import { lastOf } from '../../files/lib/path.ts'

/** A place whose backups are downloaded before they are used. */
export type RemotePlace = BackupPlace & { readonly from: Store }

export const isRemote = (place: BackupPlace): place is RemotePlace => place.from !== undefined

/** The folder into which they are downloaded, as a place of its own. */
export function cacheOf({ from: _from, cacheBytes: _limit, ...folder }: BackupPlace): BackupPlace {
  return folder
}

/** How people call the place. */
export function placeName({ directory, from }: BackupPlace): string {
  if (from === undefined) return directory
  switch (from.kind) {
    case 's3':
      return `s3://${from.bucket}${from.prefix === '' ? '' : `/${from.prefix}`}`
    case 'rclone':
      return from.remote
    case 'restic':
      return `the restic repository ${from.repository}`
    case 'borg':
      return `the newest ${from.newest} archives of the Borg repository ${from.repository}`
  }
}

/**
 * Refuses a step that reads backups where they are not files of this machine.
 * @throws RunbookError `usage`
 */
export function mustBeHere(place: BackupPlace): void {
  if (isRemote(place))
    throw new RunbookError(
      'usage',
      `cannot read backups in ${placeName(place)}: they are not files of this machine`,
      {
        hint: 'in your own runbook, download the backup first with the step fetchBackup; sign a backup where it is made',
      },
    )
}

/** A backup in a store; `file` is where a download of it is, or will be. */
export type KeptBackup = Backup & { readonly object: StoredObject }

/** One listing for each look, since several questions are asked of it. */
const listings = new WeakMap<object, Map<BackupPlace, Promise<readonly StoredObject[]>>>()

function objectsOf(look: Pick<Look, 'places'>, place: RemotePlace): Promise<readonly StoredObject[]> {
  const known = listings.get(look.places) ?? new Map<BackupPlace, Promise<readonly StoredObject[]>>()
  listings.set(look.places, known)
  const found = known.get(place) ?? listed(look, place)
  known.set(place, found)
  return found
}

async function listed(
  look: Pick<Look, 'places'>,
  { from, pattern }: RemotePlace,
): Promise<readonly StoredObject[]> {
  const searched = from.kind === 's3' || from.kind === 'rclone' ? isFiled : isSafe
  return (await look.places.list(from, pattern)).filter(({ key }) => isSafe(key) && searched(key))
}

/** Whether a key can be a path below the cache. */
const isSafe = (key: string): boolean =>
  !key.includes('\0') &&
  key.split('/').every((part) => !['', '.', '..'].includes(part) && Buffer.byteLength(part) < 200)

/** Whether it is where backups of a folder are searched. */
function isFiled(key: string): boolean {
  const folders = key.split('/').slice(0, -1)
  return folders.every((folder, depth) => isDateFolder(folders.slice(0, depth), folder))
}

/** As `backups.list`, also for a store: newest first. */
export async function listBackups(
  look: Pick<Look, 'backups' | 'places'>,
  place: BackupPlace,
): Promise<readonly Backup[]> {
  return isRemote(place) ? listKept(look, place) : look.backups.list(place)
}

export async function listKept(
  look: Pick<Look, 'places'>,
  place: RemotePlace,
): Promise<readonly KeptBackup[]> {
  const pattern = backupPattern(place.pattern)
  return (await objectsOf(look, place))
    .flatMap((object) => {
      const named = pattern.match(lastOf(object.key))
      return named === null ? [] : [keptAs(place, object, named)]
    })
    .toSorted(
      (one, other) =>
        Date.parse(other.takenAt) - Date.parse(one.takenAt) || (one.object.key < other.object.key ? 1 : -1),
    )
}

/** As `backups.undated`, also for a store. */
export async function undatedBackups(look: Pick<Look, 'backups' | 'places'>, place: BackupPlace) {
  if (!isRemote(place)) return look.backups.undated(place)
  const pattern = backupPattern(place.pattern)
  return (await objectsOf(look, place))
    .filter(({ key }) => pattern.nearly(lastOf(key)))
    .map(({ key, modifiedAt }) => ({ file: `${place.directory}/${key}`, name: lastOf(key), modifiedAt }))
    .toSorted((one, other) => Date.parse(other.modifiedAt) - Date.parse(one.modifiedAt))
}

/**
 * As `backups.find`, also for a store: by the path of its download, its key, or its name if only one has it.
 * @throws RunbookError `usage` where it is not there, or several are meant
 */
export async function findBackup(
  look: Pick<Look, 'backups' | 'places'>,
  place: BackupPlace,
  file: string,
): Promise<Backup> {
  return isRemote(place) ? findKept(look, place, file) : look.backups.find(place, file)
}

export async function findKept(
  look: Pick<Look, 'places'>,
  place: RemotePlace,
  file: string,
): Promise<KeptBackup> {
  const objects = await objectsOf(look, place)
  const exact = objects.filter(({ key }) => [key, `${place.directory}/${key}`].includes(file))
  // A relative path was completed with the current folder, so the end of the path is the key.
  const ending = objects
    .filter(({ key }) => file.endsWith(`/${key}`))
    .toSorted((one, other) => other.key.length - one.key.length)
    .slice(0, 1)
  const named = objects.filter(({ key }) => lastOf(key) === lastOf(file))
  const found = exact.length > 0 ? exact : ending.length > 0 ? ending : named
  const [one] = found
  if (one === undefined || found.length > 1)
    throw new RunbookError(
      'usage',
      one === undefined
        ? `there is no ${lastOf(file)} in ${placeName(place)}`
        : `${lastOf(file)} is ambiguous: ${found.length} in ${placeName(place)} have that name`,
      {
        hint:
          one === undefined
            ? `choose another, such as ${(await listKept(look, place))[0]?.object.key ?? 'one that matches the pattern'}`
            : `name it completely: ${one.key}`,
      },
    )
  return keptAs(place, one, backupPattern(place.pattern).match(lastOf(one.key)) ?? { takenAt: null })
}

function keptAs(place: RemotePlace, object: StoredObject, times: Parameters<typeof timesOf>[0]): KeptBackup {
  return {
    file: `${place.directory}/${object.key}`,
    name: lastOf(object.key),
    bytes: object.bytes,
    ...timesOf(times, new Date(object.modifiedAt)),
    object,
  }
}

/** What lies beside a backup in a store. */
export type Beside = { readonly names: readonly string[]; readonly read: ReadonlyMap<string, Uint8Array> }

/** A larger file is no checksum file and no manifest. Bytes. */
const largestSidecar = 16 << 20

/** Reads the small files beside a backup that can vouch for it. */
export async function sidecarsOf(
  look: Pick<Look, 'places'>,
  place: RemotePlace,
  { name, object }: KeptBackup,
): Promise<Beside> {
  const folder = object.key.slice(0, object.key.length - name.length)
  const beside = (await objectsOf(look, place)).filter(
    ({ key }) => key.startsWith(folder) && !key.slice(folder.length).includes('/') && key !== object.key,
  )
  const names = beside.map(({ key }) => key.slice(folder.length))
  const vouching = new Set([
    ...manifestFiles(name),
    ...checksumsBeside([name], names).read.map((one) => one.name),
  ])
  const read = new Map<string, Uint8Array>()
  for (const [at, one] of beside.entries()) {
    const sidecar = names[at] ?? ''
    if (vouching.has(sidecar)) read.set(sidecar, await look.places.read(place.from, one, largestSidecar))
  }
  return { names, read }
}

/** What vouches for a backup before it is downloaded. */
export type Vouching = {
  readonly expected: Expected | null
  readonly digest: StoredDigest | null
  readonly beside: Beside
}

/**
 * What vouches for a backup in a store: its manifest or a checksum file beside it, else the digest that the place
 * keeps, else the repository itself, which checks each piece that it reads.
 * @throws RunbookError `verification` as `backups.checksumOf`
 */
export async function vouchingFor(
  look: Pick<Look, 'backups' | 'places'>,
  place: RemotePlace,
  backup: KeptBackup,
): Promise<Vouching> {
  const beside = await sidecarsOf(look, place, backup)
  const expected = await look.backups.judge({ ...place, checksums: 'if-present' }, backup, beside)
  const digest = await look.places.digestOf(place.from, backup.object)
  if (expected === null && digest === null && place.checksums === 'required' && !checksItself(place))
    throw new RunbookError(
      'verification',
      `no checksum for ${backup.object.key}, but checksums are required: ${placeName(place)} keeps no digest of it, and neither ${backup.name}.sha256 nor SHA256SUMS is beside it`,
      {
        hint: `let the backup job upload ${backup.name}.sha256 too; if none is ever made there, set backups.checksums: 'if-present' in runbook.config.ts`,
      },
    )
  return { expected, digest, beside }
}

/** Whether the place checks what it reads against hashes of its own. */
export const checksItself = ({ from }: RemotePlace): boolean => from.kind === 'restic' || from.kind === 'borg'

/** As `backups.checksumOf`, also for a store. */
export async function expectedOf(
  look: Pick<Look, 'backups' | 'places'>,
  place: BackupPlace,
  backup: Backup,
): Promise<Expected | null> {
  return isRemote(place) && 'object' in backup
    ? (await vouchingFor(look, place, backup as KeptBackup)).expected
    : look.backups.checksumOf(place, backup)
}
