import type {
  Backup,
  BackupPlace,
  BackupSource,
  CompleteFile,
  Expected,
  RowCount,
  SignedManifest,
  Statement,
} from '../drivers/backups.ts'
import { RunbookError } from '../kernel/errors.ts'
import { canonical, isFields, type Json, type JsonObject } from '../kernel/json.ts'
import { shellWord } from '../kernel/shell-quote.ts'

/** A larger file is not a manifest; one of 100,000 tables is smaller. Bytes. */
export const largestManifest = 16 << 20

/** Tells a manifest from everything else that the same key signs. */
const type = 'runbook-backup-manifest'
const version = 1

/** The files of a manifest beside a backup, in the order of their removal: the manifest, then its signature. */
export const manifestFiles = (backup: string): readonly [manifest: string, signature: string] => [
  `${backup}.manifest.json`,
  `${backup}.manifest.json.sig`,
]

/** A manifest whose signature is valid, as far as that is known without trust in the key that made it. */
export class UntrustedKey extends RunbookError {}

/** Signs manifests, and knows whose signatures count. */
export interface ManifestSeal {
  /** @throws RunbookError `preflight` without a key that may sign */
  sign(payload: Uint8Array): Promise<string>
  /**
   * @param at when it was signed, as the payload says: the key must have been valid then. Milliseconds since 1970
   * @returns the fingerprint of the key, or why the signature does not count
   * @throws RunbookError `usage` where no trusted keys are known
   */
  check(
    payload: Uint8Array,
    signature: string,
    at: number,
  ): Promise<
    | { readonly key: string }
    /** `untrusted`: nothing speaks against it but that the key is not trusted. */
    | { readonly refused: string; readonly hint: string; readonly untrusted?: boolean }
  >
}

/** The manifest beside a backup as it was read; null is the one of its two files that is missing. */
export type FoundManifest = {
  readonly file: string
  readonly body: Uint8Array | null
  readonly signature: string | null
}

/** Who signs: the run and its times and program, which a step does not choose. */
type Signer = {
  readonly run: string
  readonly host: string
  readonly program: string
  readonly ended: Date
}

/** The text of a manifest: canonical JSON and a newline. */
export function manifestText(
  name: string,
  { bytes, sha256 }: CompleteFile,
  { source, begun, tools, rows }: Statement,
  { run, host, program, ended }: Signer,
): string {
  const stated: JsonObject = {
    type,
    version,
    name,
    bytes,
    sha256,
    source,
    begun,
    ended: ended.toISOString(),
    tools,
    rows,
    run,
    host,
    program,
  }
  return `${canonical(stated)}\n`
}

/**
 * What a backup must match: its manifest if there is one, else its checksum. A manifest that does not verify is
 * refused, whatever checksum there is: whoever alters a backup can make that again.
 * @param checksum the expected checksum; not asked for where a manifest counts
 * @throws RunbookError `verification`; `usage` where no trusted keys are known
 */
export async function vouchedBy(
  place: BackupPlace,
  backup: Backup,
  found: FoundManifest | null,
  seal: ManifestSeal,
  checksum: () => Promise<Expected | null>,
): Promise<Expected | null> {
  if (found !== null) return expectedBy(backup, found, seal)
  if (place.require !== 'signed') return checksum()
  throw new RunbookError(
    'verification',
    `no signed manifest for backup ${shellWord(backup.file)}, and require: 'signed' is configured`,
    {
      hint: `choose a backup with a manifest: ls ${shellWord(place.directory)}; to vouch for this one on the machine that made it: runbook run sign-backup --dump ${shellWord(backup.file)}`,
    },
  )
}

/** The manifest, whose signature, name and size were checked. @throws as `vouchedBy` */
async function expectedBy(
  backup: Backup,
  { file, body, signature }: FoundManifest,
  seal: ManifestSeal,
): Promise<Expected> {
  const refused = (why: string, hint: string): RunbookError =>
    new RunbookError('verification', `the manifest ${shellWord(file)} does not verify: ${why}`, { hint })
  const again = 'fetch the backup again with its manifest and signature, or choose another backup'
  // Its signature says that there was one: without it, a checksum made after the damage would count.
  if (body === null)
    throw new RunbookError(
      'verification',
      `the manifest ${shellWord(file)} of backup ${shellWord(backup.file)} is missing, and its signature is there`,
      { hint: `${again}; if the manifest was removed on purpose: rm ${shellWord(`${file}.sig`)}` },
    )
  const stated = readManifest(body)
  if (typeof stated === 'string') throw refused(stated, again)
  if (signature === null) throw refused(`its signature ${shellWord(`${file}.sig`)} is missing`, again)
  const checked = await seal.check(body, signature, Date.parse(stated.ended))
  if ('refused' in checked) {
    if (checked.untrusted !== true) throw refused(checked.refused, checked.hint)
    const why = `the manifest ${shellWord(file)} does not verify: ${checked.refused}`
    throw new UntrustedKey('verification', why, { hint: checked.hint })
  }
  const name = backup.file.slice(backup.file.lastIndexOf('/') + 1)
  if (stated.name !== name)
    throw refused(
      `it is for ${shellWord(stated.name)}, not for ${shellWord(name)}`,
      `rename the backup and the files beside it back if it is that one, or choose another backup`,
    )
  if (stated.bytes !== backup.bytes)
    throw refused(
      `it states ${stated.bytes} bytes, and ${shellWord(backup.file)} has ${backup.bytes}`,
      'the file is damaged or was changed: choose another backup, or fetch this one again',
    )
  const { sha256, source, begun, ended, rows, run } = stated
  return {
    sha256,
    checksumFile: file,
    manifest: { file, key: checked.key, source, begun, ended, rows, run },
  }
}

type Stated = Pick<CompleteFile, 'bytes' | 'sha256'> &
  Pick<SignedManifest, 'source' | 'begun' | 'ended' | 'rows' | 'run'> & { readonly name: string }

/** The fields of a manifest, or why it is not one. */
function readManifest(body: Uint8Array): Stated | string {
  let read: Json
  let text: string
  try {
    // Invalid UTF-8 must not decode to the same text as other bytes.
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
    read = JSON.parse(text) as Json
  } catch {
    return 'it is not JSON'
  }
  if (!isFields(read) || read['type'] !== type) return 'it is not a manifest of a backup'
  if (read['version'] !== version)
    return `it has version ${JSON.stringify(read['version'])}, and this program reads version ${version}`
  if (text !== `${canonical(read as JsonObject)}\n`) return 'it is not canonical JSON'
  const { name, bytes, sha256, source, begun, ended, rows, run } = read
  if (
    typeof name !== 'string' ||
    !Number.isSafeInteger(bytes) ||
    typeof sha256 !== 'string' ||
    !/^[0-9a-f]{64}$/.test(sha256) ||
    !isSource(source) ||
    !isTime(begun) ||
    !isTime(ended) ||
    !(rows === null || (Array.isArray(rows) && rows.every(isRowCount))) ||
    typeof run !== 'string'
  )
    return 'a field is missing or malformed'
  return { name, bytes: bytes as number, sha256, source, begun, ended, rows, run }
}

const isTime = (value: unknown): value is string =>
  typeof value === 'string' && !Number.isNaN(Date.parse(value))

const isSource = (value: unknown): value is BackupSource =>
  isFields(value) && ['kind', 'system', 'name'].every((field) => typeof value[field] === 'string')

const isRowCount = (value: unknown): value is RowCount =>
  isFields(value) && typeof value['table'] === 'string' && Number.isSafeInteger(value['rows'])

/**
 * Refuses a backup whose manifest says that it was made from something else than the target.
 * @param own the target's own source; a `system` of null is not known, as without a server
 * @throws RunbookError `verification`
 */
export function mustBeFrom(
  place: Pick<BackupPlace, 'alsoFrom'>,
  backup: Pick<Backup, 'file'>,
  manifest: SignedManifest,
  own: { readonly kind: BackupSource['kind']; readonly system: string | null },
): void {
  const { kind, system, name } = manifest.source
  if (kind === own.kind && (own.system === null || [own.system, ...(place.alsoFrom ?? [])].includes(system)))
    return
  const theirs = `${kindNames[kind]} ${shellWord(name)} of ${shellWord(system)}`
  throw new RunbookError(
    'verification',
    `${shellWord(backup.file)} is a backup of another system: its manifest says ${theirs}, and the target is ${kindNames[own.kind]}${own.system === null ? '' : ` of ${shellWord(own.system)}`}`,
    {
      hint:
        kind === own.kind
          ? `choose another backup; if it is the right one, for example after a move to a new server, accept that system: alsoFrom: ['${system}'] beside the folder of the backups in runbook.config.ts`
          : 'choose another backup',
    },
  )
}

const kindNames: { readonly [K in BackupSource['kind']]: string } = {
  postgres: 'the Postgres database',
  sqlite: 'the SQLite database',
  folder: 'the folder',
  images: 'the image',
  release: 'the release',
}
