import {
  manifestFiles,
  mustBeFrom,
  type BackupPlace,
  type BackupSource,
  type Database,
  type Expected,
  type Look,
  type Verified,
} from '../../../src/index.ts'
import { folderOf } from '../../files/lib/path.ts'

/** What the manifest of a backup must name. A `system` of null is not known, as without a server. */
export type OwnSource = { readonly kind: BackupSource['kind']; readonly system: string | null }

/** The database as a manifest names it. @param name of the live database, or of one beside it */
export async function sourceOf(
  look: Pick<Look, 'databases'>,
  database: Database,
  name = database.name,
): Promise<BackupSource> {
  if (database.engine === 'sqlite') return { kind: 'sqlite', system: database.file, name }
  const { system, host } = await look.databases.identity(database, name)
  const slash = system.lastIndexOf('/')
  return {
    kind: 'postgres',
    system: system.slice(0, slash),
    name,
    host,
    oid: system.slice(slash + 1),
  }
}

/**
 * Refuses a backup whose manifest names another system. Without a manifest nothing is known of its system.
 * @throws RunbookError `verification`
 */
export async function mustBeOf(
  from: BackupPlace,
  backup: { readonly file: string },
  expected: Pick<Expected, 'manifest'> | null,
  own: () => Promise<OwnSource>,
): Promise<void> {
  if (expected?.manifest !== undefined) mustBeFrom(from, backup, expected.manifest, await own())
}

/** What vouches for a backup, in one clause: whose signature, a checksum, or nothing. */
export const voucher = ({
  manifest,
  checksumFile,
}: Pick<Verified, 'checksumFile'> & Pick<Expected, 'manifest'>): string =>
  manifest !== undefined
    ? `the signature of ${manifest.key} (run ${manifest.run})`
    : checksumFile === null
      ? 'nothing'
      : `the checksum in ${checksumFile}`

/**
 * What the manifest beside a file says, without reading the file; null where there is none.
 * @throws RunbookError `verification` where it does not verify
 */
export async function manifestOf(
  look: Pick<Look, 'files' | 'backups'>,
  file: string,
): Promise<Expected | null> {
  const there = await Promise.all(manifestFiles(file).map((path) => look.files.stat(path)))
  if (there.every((facts) => facts === null)) return null
  const place: BackupPlace = {
    directory: folderOf(file),
    pattern: '*',
    maxAgeSeconds: 0,
    minBytes: 1,
    checksums: 'if-present',
    require: 'signed',
  }
  return look.backups.checksumOf(place, await look.backups.find(place, file))
}
