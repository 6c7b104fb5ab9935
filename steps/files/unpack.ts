import {
  cannot,
  defineStep,
  isPending,
  say,
  type ArchiveFacts,
  type ArchiveLimits,
  type ProbeResult,
  type Io,
  type Look,
  type SecretHandle,
  type Verified,
} from '../../src/index.ts'
import { cipherOf, needsFor } from './lib/cipher.ts'
import { treeVersionOf } from './lib/tree-version.ts'
import type { Staging } from './staging.ts'

type Input = {
  readonly archive: Verified
  readonly staging: Staging
  /** Name of the folder in staging. */
  readonly as: string
  /** For archives that end in `.gpg` or `.age`. */
  readonly passphrase: SecretHandle | null
}

/** Paths that unpacking creates. */
export type UnpackedPlaces = { readonly folder: string; readonly plain: string | null }

/** `root`: the archive's single top folder, or else the folder that it was unpacked into. */
export type Unpacked = {
  readonly folder: string
  readonly root: string
  readonly members: number
  readonly bytes: number
  /** Of the folder, when it was unpacked. Missing in older journals. */
  readonly version?: string
}

/** Its version: as the last command left it that ran in it, else as it was unpacked. */
export const versionOf = (of: Unpacked & { readonly ran?: string }): string | undefined =>
  of.ran ?? of.version

/**
 * Generous for a release or a data folder, and far below what a decompression bomb expands to. Packing has
 * the same limits, so that every packed archive can be unpacked.
 */
export const archiveLimits: ArchiveLimits = { maxBytes: 64 * 1024 ** 3, maxMembers: 1_000_000, maxDepth: 64 }

/**
 * Decrypts a verified archive where it is encrypted and unpacks it into staging. Refuses an archive if any
 * member could reach outside, or if it is no longer the verified one. Undone by removing what was unpacked.
 * @throws RunbookError `usage` where the target configures no passphrase
 */
export const unpack = defineStep<Input, Unpacked, UnpackedPlaces>({
  kind: 'files.unpack',
  version: 1,
  effect: 'change',
  describe: ({ archive, as }) =>
    say`Unpacks ${isPending(archive) ? archive : archive.name} into staging as ${as}; refuses links, devices and paths that lead outside.`,
  needs: ({ archive }) =>
    isPending(archive) ? [] : needsFor(cipherOf(archive.name), `${archive.name} is encrypted`),
  // Whether a passphrase is required is known once the archive is chosen: the step that chooses it checks
  // then.
  secrets: ({ archive, passphrase }) =>
    isPending(archive) || isPending(passphrase) || passphrase === null || cipherOf(archive.name) === null
      ? []
      : [passphrase],
  survey: async (_, { archive, staging, as }) => placesOf(archive, staging, as),
  predict: ({ before }) => ({
    output: before === undefined ? null : { folder: before.folder },
    changes: before === undefined ? [] : [`files under ${before.folder}, until the end of the run`],
  }),
  run: (io, { input: { archive, passphrase }, before }) => unpackInto(io, archive, passphrase, before),
  probe: (look, { before }) => probeUnpacked(look, before),
  rerunnable: true,
  // It removes only what is under a name of this run.
  undoGuards: () => [],
  undo: (io, { before }) => removeUnpacked(io, before),
})

/** Where an archive goes; `plain`: the temporary decrypted copy of an encrypted one. */
export const placesOf = (archive: Pick<Verified, 'name'>, staging: Staging, as: string): UnpackedPlaces => ({
  folder: `${staging.folder}/${as}`,
  plain:
    cipherOf(archive.name) === null ? null : `${staging.folder}/${as}-${archive.name.replace(/\.\w+$/, '')}`,
})

export async function unpackInto(
  io: Io,
  archive: Pick<Verified, 'file' | 'name' | 'sha256'>,
  passphrase: SecretHandle | null,
  { folder, plain }: UnpackedPlaces,
): Promise<Unpacked> {
  // A torn attempt starts again from nothing: extraction requires an empty folder, and decryption never
  // overwrites a file.
  for (const rest of leftoversOf(folder, plain)) await io.files.removeTree(rest)
  const { file, name, sha256 } = archive
  if (plain !== null) await io.archives.decrypt(file, plain, passphraseFor(name, passphrase), sha256)
  const facts =
    plain === null
      ? await io.archives.extract(file, folder, archiveLimits, sha256)
      : await io.archives.extract(plain, folder, archiveLimits)
  if (plain !== null) await io.files.removeTree(plain)
  const complete: Complete = { ...facts, version: await treeVersionOf(io, folder) }
  await io.files.write(marker(folder), JSON.stringify(complete))
  return unpackedOf(folder, complete)
}

export async function probeUnpacked(
  look: Look,
  { folder, plain }: UnpackedPlaces,
): Promise<ProbeResult<Unpacked>> {
  const complete = await look.files.stat(marker(folder))
  if (complete !== null) {
    const text = new TextDecoder().decode(await look.files.read(marker(folder), 65_536))
    return { is: 'done', output: unpackedOf(folder, JSON.parse(text) as Complete) }
  }
  const begun =
    (await look.files.stat(folder)) !== null ||
    (plain !== null &&
      ((await look.files.stat(plain)) ?? (await look.files.stat(`${plain}.partial`))) !== null)
  return begun ? { is: 'torn', why: `${folder} is not complete` } : { is: 'absent' }
}

export async function removeUnpacked(io: Io, { folder, plain }: UnpackedPlaces): Promise<void> {
  await io.files.removeTree(marker(folder))
  for (const rest of leftoversOf(folder, plain)) await io.files.removeTree(rest)
}

const leftoversOf = (folder: string, plain: string | null): readonly string[] => [
  folder,
  ...(plain === null ? [] : [plain, `${plain}.partial`, `${plain}.gnupg`]),
]

/** The content of the marker. */
type Complete = ArchiveFacts & Pick<Unpacked, 'version'>

const unpackedOf = (folder: string, { top, members, bytes, version }: Complete): Unpacked => ({
  folder,
  root: top === null ? folder : `${folder}/${top}`,
  members,
  bytes,
  ...(version === undefined ? {} : { version }),
})

/** Written last, beside the folder: it marks the extraction as complete. */
const marker = (folder: string): string => `${folder}.complete`

function passphraseFor(name: string, passphrase: SecretHandle | null): SecretHandle {
  if (passphrase !== null) return passphrase
  throw cannot('decrypt', name, 'no passphrase configured', {
    code: 'usage',
    hint: 'set data.passphrase in runbook.config.ts to secret("VARIABLE")',
  })
}
