import type { Backup, BackupPlace, Expected } from '../../drivers/backups.ts'
import type { Views } from '../../drivers/drivers.ts'
import type { Database, DumpHeader } from '../../drivers/databases.ts'
import { tooOld } from '../../formats/backup-age.ts'
import { failureOf } from '../../kernel/errors.ts'
import type { JsonObject } from '../../kernel/json.ts'
import { isRemote, openingOf } from '../../model/backup-place.ts'
import { expectedOf, listBackups } from '../../model/stored-backups.ts'
import type { TargetWith } from '../../model/target.ts'
import type { Proof } from './proofs.ts'

/** What is known of a backup without reading its contents. */
export type ListedBackup = Backup & {
  /** Engine and major version of the server, from the start of the file; null if it cannot be read. */
  readonly format: string | null
  /** Null if nothing does. */
  readonly vouchedBy: string | null
  /** The newest run that restored it; null if none is known to have done so. */
  readonly proven: Proven | null
  /** Whether anything is known against restoring it; null if that cannot be told now. */
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

type Server = { readonly major: number } | { readonly unknown: string }

/** The backups of a target's database, newest first. Reads their headers and what lies beside them only. */
export async function listedBackups(
  { database, backups: place }: TargetWith<'database' | 'backups'>,
  look: Views,
  proofs: readonly Proof[],
  now: Date,
): Promise<readonly ListedBackup[]> {
  const all = await listBackups(look, place)
  const server: Server = await look.databases.identity(database).then(
    ({ major }) => ({ major }),
    (thrown: unknown) => ({ unknown: failureOf(thrown).message }),
  )
  const listed: ListedBackup[] = []
  for (const [index, backup] of all.entries()) {
    const expected = await attempt(() => expectedOf(look, place, backup))
    const header = await attempt(() => headerOf(look, database, place, backup))
    listed.push({
      ...backup,
      format: 'value' in header && header.value !== null ? formatOf(header.value) : null,
      vouchedBy: 'value' in expected ? voucherIn(expected.value) : null,
      proven: provenBy(backup, 'value' in expected ? expected.value : null, proofs),
      ...verdictOn({
        place,
        backup,
        expected,
        header,
        server,
        name: database.name,
        newest: index === 0,
        now,
      }),
    })
  }
  return listed
}

/** Null where the file is not on this machine: nothing is downloaded for a list. */
async function headerOf(
  look: Views,
  { engine, name }: Pick<Database, 'engine' | 'name'>,
  place: BackupPlace,
  { file }: Backup,
): Promise<DumpHeader | null> {
  if (isRemote(place) && (await look.files.stat(file)) === null) return null
  return look.databases.header({ engine }, file, { ...openingOf(place), of: name })
}

type Attempt<T> = { readonly value: T } | { readonly why: string }

const attempt = <T>(work: () => Promise<T>): Promise<Attempt<T>> =>
  work().then(
    (value) => ({ value }),
    (thrown: unknown) => ({ why: failureOf(thrown).message }),
  )

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
export function provenBy(
  { file, bytes }: Pick<Backup, 'file' | 'bytes'>,
  expected: Expected | null,
  proofs: readonly Proof[],
): Proven | null {
  const proof = proofs.find((one) =>
    expected === null ? one.file === file && one.bytes === bytes : one.sha256 === expected.sha256,
  )
  if (proof === undefined) return null
  const { run, runbook, at } = proof
  return { run, runbook, at, by: expected === null ? 'same-name' : 'same-digest' }
}

function verdictOn(seen: {
  readonly place: BackupPlace
  readonly backup: Backup
  readonly expected: Attempt<Expected | null>
  readonly header: Attempt<DumpHeader | null>
  readonly server: Server
  readonly name: string
  readonly newest: boolean
  readonly now: Date
}): Pick<ListedBackup, 'fits' | 'why'> {
  const { place, backup, expected, header, server, name, newest, now } = seen
  if ('why' in expected) return { fits: false, why: expected.why }
  if (backup.bytes === 0) return { fits: false, why: 'it is empty (0 bytes)' }
  if (backup.bytes < place.minBytes)
    return { fits: false, why: `it has ${backup.bytes} bytes, fewer than the minimum of ${place.minBytes}` }
  if ('why' in header) return { fits: false, why: header.why }
  if (header.value === null) return { fits: null, why: 'its contents are not known before it is downloaded' }
  const { database, major, engine } = header.value
  const theirs = database ?? expected.value?.manifest?.source.name ?? name
  if (theirs !== name && !theirs.startsWith(`${name}__`))
    return { fits: false, why: `it is a dump of the database ${theirs}, not of ${name}` }
  if ('unknown' in server) return { fits: null, why: `the server cannot be asked: ${server.unknown}` }
  if (major !== server.major)
    return { fits: false, why: `it is a dump of ${engine} ${major}, and the server is ${server.major}` }
  const old = newest ? tooOld(place, backup, now) : null
  return { fits: true, why: old === null ? null : `${old}: name it with --dump` }
}
