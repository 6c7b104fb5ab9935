import { basename } from 'node:path'
import type { Backup, BackupPlace, Expected } from '../../drivers/backups.ts'
import type { Views } from '../../drivers/drivers.ts'
import type { Database, DumpHeader } from '../../drivers/databases.ts'
import { tooOld } from '../../formats/backup-age.ts'
import { failureOf } from '../../kernel/errors.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { isRemote, openingOf } from '../../model/backup-place.ts'
import { expectedOf, listBackups } from '../../model/stored-backups.ts'
import type { Target, TargetWith } from '../../model/target.ts'
import type { Proof } from './proofs.ts'

/** What is known of a backup. */
export type ListedBackup = Backup & {
  /** Engine and major version of the server, from the start of the file; null if it cannot be read. */
  readonly format: string | null
  /** Null if nothing does. */
  readonly vouchedBy: string | null
  /** The newest run that restored it; null if none is known to have done so. */
  readonly proven: Proven | null
  /** Who read it to its last byte as it is now: this list, or the run that proved it. Null if nobody did. */
  readonly readBy: 'list' | 'run' | null
  /** True only for what was read and found complete; null if it was not read, or that cannot be told now. */
  readonly fits: boolean | null
  /** Why not, or why it cannot be told; and what else should be known. */
  readonly why: string | null
}

/**
 * `same-digest`: the file has the digest that was restored. `same-name`: it has that name and size, and nothing
 * beside it tells its digest.
 */
export type Proven = JsonObject & {
  readonly run: string
  readonly runbook: string
  readonly at: string
  readonly by: 'same-digest' | 'same-name'
}

/** A target whose database has backups: one that a server or a file of this machine has, or a SQLite file in a volume. */
export type WithBackups = TargetWith<'backups'> &
  (Pick<TargetWith<'database'>, 'database'> | Pick<TargetWith<'volumeDatabase'>, 'volumeDatabase'>)

export const listsBackups = (target: Target): target is Target & WithBackups =>
  target.backups !== undefined && (target.database !== undefined || target.volumeDatabase !== undefined)

/** What a backup is compared with and read as. */
type Asked = {
  readonly engine: Database['engine']
  readonly name: string
  readonly readAs: (file: string) => Database
  readonly server: (look: Views) => Promise<Server>
  /** Whether it is put in place as a file, and so must be a database, which may be compressed. */
  readonly asFile: boolean
}

function askedOf({ database, volumeDatabase }: Pick<Target, 'database' | 'volumeDatabase'>): Asked {
  if (database !== undefined)
    return {
      engine: database.engine,
      name: database.name,
      readAs: () => database,
      asFile: false,
      server: (look) =>
        look.databases.identity(database).then(
          ({ major }) => ({ major }),
          (thrown: unknown) => ({ unknown: failureOf(thrown).message }),
        ),
    }
  const { name = '', confirmPhrase = '', applicationDefines } = volumeDatabase ?? {}
  return {
    engine: 'sqlite',
    name,
    // The volume is not looked at: a file has no server that must be of the same version.
    readAs: (file) => ({
      engine: 'sqlite',
      name: basename(file),
      file,
      confirmPhrase,
      fingerprint: 'rows',
      ...(applicationDefines === undefined ? {} : { applicationDefines }),
    }),
    server: async () => ({ major: 3 }),
    asFile: true,
  }
}

type Server = { readonly major: number } | { readonly unknown: string }

/** How many of the newest backups are read to their last byte, and up to how many bytes together. */
export type Reading = { readonly files: number; readonly bytes: number }

/** What a list reads that nobody should wait for. */
export const someReading: Reading = { files: 10, bytes: 32 << 20 }

/**
 * The backups of a target's database, newest first: their headers and what lies beside them.
 * @param reading of the others only the start is read; null reads all
 */
export async function listedBackups(
  target: WithBackups,
  look: Views,
  proofs: readonly Proof[],
  now: Date,
  reading: Reading | null,
): Promise<readonly ListedBackup[]> {
  let { files, bytes } = reading ?? { files: Infinity, bytes: Infinity }
  const { backups: place } = target
  const asked = askedOf(target)
  const all = await listBackups(look, place)
  const server = await asked.server(look)
  const listed: ListedBackup[] = []
  for (const [index, backup] of all.entries()) {
    const expected = await attempt(() => expectedOf(look, place, backup))
    const header = await attempt(() => headerOf(look, asked, place, backup))
    const proof = 'value' in expected ? proofOf(backup, expected.value, proofs) : undefined
    const outside = againstIt({ ...asked, place, backup, expected, header, server })
    let readBy: ListedBackup['readBy'] = null
    let verdict = outside
    if (outside === null && proof !== undefined && (await isAsProven(look, backup, proof))) readBy = 'run'
    else if (outside === null && files >= 1 && backup.bytes <= bytes) {
      files -= 1
      bytes -= backup.bytes
      readBy = 'list'
      verdict = await damageOf(
        look,
        asked.readAs(backup.file),
        place,
        backup,
        'value' in expected ? expected.value : null,
      )
    }
    listed.push({
      ...backup,
      format: 'value' in header && header.value !== null ? formatOf(header.value) : null,
      vouchedBy: 'value' in expected ? voucherIn(expected.value) : null,
      proven: proof === undefined ? null : provenIn(proof, 'value' in expected ? expected.value : null),
      readBy: verdict?.fits === null ? null : readBy,
      ...(verdict ??
        (readBy === null
          ? { fits: null, why: 'it was not read to its end; add --deep to read it' }
          : { fits: true, why: index === 0 ? remarkOn(place, backup, now) : null })),
    })
  }
  return listed
}

/** Size and time of a file since a run read it: what was read then is what is there now. */
async function isAsProven(look: Views, { file, bytes }: Backup, proof: Proof): Promise<boolean> {
  if (proof.bytes !== bytes) return false
  const found = await look.files.stat(file)
  return found?.kind === 'file' && Date.parse(found.modifiedAt) <= Date.parse(proof.at)
}

/** Reads it to its last byte. Null if it is complete and what it is compared with. */
async function damageOf(
  look: Views,
  database: Database,
  place: BackupPlace,
  backup: Backup,
  expected: Expected | null,
): Promise<Verdict | null> {
  try {
    // A download is compared below: what vouches for it is not beside it.
    if (!isRemote(place)) await look.backups.verify(place, backup)
    const { sha256 } = await look.databases.inspect(database, backup.file, openingOf(place))
    return expected === null || expected.sha256 === sha256
      ? null
      : { fits: false, why: `it has not the digest in ${expected.checksumFile}` }
  } catch (thrown) {
    const { fits, why } = verdictOf(thrown)
    return { fits, why: fits === false ? why : `it could not be read to its end: ${why}` }
  }
}

/** Null where the file is not on this machine: nothing is downloaded for a list. */
async function headerOf(
  look: Views,
  { engine, name }: Pick<Asked, 'engine' | 'name'>,
  place: BackupPlace,
  { file }: Backup,
): Promise<DumpHeader | null> {
  if (isRemote(place) && (await look.files.stat(file)) === null) return null
  return look.databases.header({ engine }, file, { ...openingOf(place), of: name })
}

type Attempt<T> = { readonly value: T } | Verdict

const attempt = <T>(work: () => Promise<T>): Promise<Attempt<T>> =>
  work().then((value) => ({ value }), verdictOf)

/** Only `verification` says something against a backup; any other failure says that it was not looked at. */
function verdictOf(thrown: unknown): Verdict {
  const { code, message } = failureOf(thrown)
  return { fits: code === 'verification' ? false : null, why: message }
}

/** Such as `postgres 17`, or `postgres 17, plain SQL, gzip`. */
const formatOf = ({ engine, major, format, wrapped = [] }: DumpHeader): string =>
  [
    `${engine} ${major}`,
    ...(format === 'tar' || format === 'directory' ? [format] : []),
    ...(format === 'plain' ? ['plain SQL'] : []),
    ...(format === 'cluster' ? ['SQL of pg_dumpall'] : []),
    ...wrapped,
  ].join(', ')

const voucherIn = (expected: Expected | null): string | null =>
  expected === null
    ? null
    : expected.manifest === undefined
      ? `checksum in ${expected.checksumFile}`
      : `signature of ${expected.manifest.key}`

/** A file of the same name may have been replaced, so a digest that is known must be the same. */
const proofOf = (
  { file, bytes }: Pick<Backup, 'file' | 'bytes'>,
  expected: Expected | null,
  proofs: readonly Proof[],
): Proof | undefined =>
  proofs.find((one) =>
    expected === null ? one.file === file && one.bytes === bytes : one.sha256 === expected.sha256,
  )

const provenIn = ({ run, runbook, at }: Proof, expected: Expected | null): Proven => ({
  run,
  runbook,
  at,
  by: expected === null ? 'same-name' : 'same-digest',
})

export function provenBy(
  backup: Pick<Backup, 'file' | 'bytes'>,
  expected: Expected | null,
  proofs: readonly Proof[],
): Proven | null {
  const proof = proofOf(backup, expected, proofs)
  return proof === undefined ? null : provenIn(proof, expected)
}

type Verdict = { readonly fits: false | null; readonly why: string }

/** What speaks against a backup before it is read to its end, or why that cannot be told. */
function againstIt(seen: {
  readonly place: BackupPlace
  readonly backup: Backup
  readonly expected: Attempt<Expected | null>
  readonly header: Attempt<DumpHeader | null>
  readonly server: Server
  readonly name: string
  readonly asFile: boolean
}): Verdict | null {
  const { place, backup, expected, header, server, name, asFile } = seen
  if ('why' in expected) return expected
  if (backup.bytes === 0) return { fits: false, why: 'it is empty (0 bytes)' }
  if (backup.bytes < place.minBytes)
    return { fits: false, why: `it has ${backup.bytes} bytes, fewer than the minimum of ${place.minBytes}` }
  if ('why' in header) return header
  if (header.value === null) return { fits: null, why: 'its contents are not known before it is downloaded' }
  const { database, major, engine, format } = header.value
  if (asFile && format === 'plain')
    return { fits: false, why: 'it is SQL; sqlite-restore takes a database file' }
  const theirs = database ?? expected.value?.manifest?.source.name ?? name
  if (theirs !== name && !theirs.startsWith(`${name}__`))
    return { fits: false, why: `it is a dump of the database ${theirs}, not of ${name}` }
  if ('unknown' in server) return { fits: null, why: `the server cannot be asked: ${server.unknown}` }
  if (major !== server.major)
    return { fits: false, why: `it is a dump of ${engine} ${major}, and the server is ${server.major}` }
  return null
}

function remarkOn(place: BackupPlace, newest: Backup, now: Date): string | null {
  const old = tooOld(place, newest, now)
  return old === null ? null : `${old}: name it with --dump`
}
