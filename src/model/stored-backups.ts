import type { Backup, BackupPlace, Expected } from '../drivers/backups.ts'
import type { Views } from '../drivers/drivers.ts'
import type { StoredDigest, StoredObject } from '../drivers/places.ts'
import { manifestFiles } from '../formats/backup-manifest.ts'
import { backupPattern, isDateFolder } from '../formats/backup-pattern.ts'
import { timesOf } from '../formats/backup-verdict.ts'
import { checksumsBeside } from '../formats/checksum-files.ts'
import { RunbookError } from '../kernel/errors.ts'
import { isRemote, placeName, type RemotePlace } from './backup-place.ts'

/** A backup in a store; `file` is where a download of it is, or will be. */
export type StoredBackup = Backup & { readonly object: StoredObject }

const nameIn = (key: string): string => key.slice(key.lastIndexOf('/') + 1)

/** One listing for each look, since several questions are asked of it. */
const listings = new WeakMap<object, Map<BackupPlace, Promise<readonly StoredObject[]>>>()

function objectsOf(look: Pick<Views, 'places'>, place: RemotePlace): Promise<readonly StoredObject[]> {
  const known = listings.get(look.places) ?? new Map<BackupPlace, Promise<readonly StoredObject[]>>()
  listings.set(look.places, known)
  const found = known.get(place) ?? listed(look, place)
  known.set(place, found)
  return found
}

async function listed(
  look: Pick<Views, 'places'>,
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
  look: Pick<Views, 'backups' | 'places'>,
  place: BackupPlace,
): Promise<readonly Backup[]> {
  return isRemote(place) ? listStored(look, place) : look.backups.list(place)
}

async function listStored(look: Pick<Views, 'places'>, place: RemotePlace): Promise<readonly StoredBackup[]> {
  const pattern = backupPattern(place.pattern)
  return (await objectsOf(look, place))
    .flatMap((object) => {
      const named = pattern.match(nameIn(object.key))
      return named === null ? [] : [storedAs(place, object, named)]
    })
    .toSorted(
      (one, other) =>
        Date.parse(other.takenAt) - Date.parse(one.takenAt) || (one.object.key < other.object.key ? 1 : -1),
    )
}

/** As `backups.undated`, also for a store. */
export async function undatedBackups(look: Pick<Views, 'backups' | 'places'>, place: BackupPlace) {
  if (!isRemote(place)) return look.backups.undated(place)
  const pattern = backupPattern(place.pattern)
  return (await objectsOf(look, place))
    .filter(({ key }) => pattern.nearly(nameIn(key)))
    .map(({ key, modifiedAt }) => ({ file: `${place.directory}/${key}`, name: nameIn(key), modifiedAt }))
    .toSorted((one, other) => Date.parse(other.modifiedAt) - Date.parse(one.modifiedAt))
}

/**
 * As `backups.find`, also for a store: by the path of its download, its key, or its name if only one has it.
 * @throws RunbookError `usage` where it is not there, or several are meant
 */
export async function findBackup(
  look: Pick<Views, 'backups' | 'places'>,
  place: BackupPlace,
  file: string,
): Promise<Backup> {
  return isRemote(place) ? findStored(look, place, file) : look.backups.find(place, file)
}

async function findStored(
  look: Pick<Views, 'places'>,
  place: RemotePlace,
  file: string,
): Promise<StoredBackup> {
  const objects = await objectsOf(look, place)
  const exact = objects.filter(({ key }) => [key, `${place.directory}/${key}`].includes(file))
  // A relative path was completed with the current folder, so the end of the path is the key.
  const ending = objects
    .filter(({ key }) => file.endsWith(`/${key}`))
    .toSorted((one, other) => other.key.length - one.key.length)
    .slice(0, 1)
  const named = objects.filter(({ key }) => nameIn(key) === nameIn(file))
  const found = exact.length > 0 ? exact : ending.length > 0 ? ending : named
  const [one] = found
  if (one === undefined || found.length > 1)
    throw new RunbookError(
      'usage',
      one === undefined
        ? `there is no ${nameIn(file)} in ${placeName(place)}`
        : `${nameIn(file)} is ambiguous: ${found.length} in ${placeName(place)} have that name`,
      {
        hint:
          one === undefined
            ? `choose another, such as ${(await listStored(look, place))[0]?.object.key ?? 'one that matches the pattern'}`
            : `name it completely: ${one.key}`,
      },
    )
  return storedAs(place, one, backupPattern(place.pattern).match(nameIn(one.key)) ?? { takenAt: null })
}

function storedAs(
  place: RemotePlace,
  object: StoredObject,
  times: Parameters<typeof timesOf>[0],
): StoredBackup {
  return {
    file: `${place.directory}/${object.key}`,
    name: nameIn(object.key),
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
async function sidecarsOf(
  look: Pick<Views, 'places'>,
  place: RemotePlace,
  { name, object }: StoredBackup,
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
  look: Pick<Views, 'backups' | 'places'>,
  place: RemotePlace,
  backup: StoredBackup,
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
  look: Pick<Views, 'backups' | 'places'>,
  place: BackupPlace,
  backup: Backup,
): Promise<Expected | null> {
  return isRemote(place) && 'object' in backup
    ? (await vouchingFor(look, place, backup as StoredBackup)).expected
    : look.backups.checksumOf(place, backup)
}
