import type { JsonObject } from '../kernel/json.ts'
import type { SecretHandle } from './secrets.ts'

/** What an archive may hold at the most. Past any of these it is refused whole, before the first write. */
export type ArchiveLimits = {
  readonly maxBytes: number
  readonly maxMembers: number
  readonly maxDepth: number
}

export type ArchiveFacts = JsonObject & {
  readonly members: number
  readonly bytes: number
  /** The one folder that holds everything, or null. */
  readonly top: string | null
}

/** What goes into an archive, and as what. */
export type Packing = {
  /** The folder whose tree is packed. It may itself be a link. */
  readonly folder: string
  /** Files in it, as paths relative to it; null takes everything. Folders on the way to a file come along. */
  readonly only: readonly string[] | null
  /** The one folder that holds everything in the archive; `.` puts the tree under `./`. */
  readonly as: string
  /**
   * What stays out, with all that is below: a name (`node_modules`, `*.log`) wherever it occurs, a pattern with a slash within from the
   * top (`var/cache`, `logs/2025-*`).
   */
  readonly exclude: readonly string[]
  /**
   * The moment (ISO 8601) that every member is dated, so that the same tree gives the same bytes: sorted, owner and group 0, modes 0644 and
   * 0755 only. Null keeps owner, mode and time (whole seconds) of everything, as a copy of data must.
   * Compression is zlib's as this Node carries it, so another build may compress the same tree to other bytes.
   */
  readonly dated: string | null
  /** What is packed must be unpackable under the same limits. */
  readonly limits: ArchiveLimits
}

export type Packed = ArchiveFacts & {
  readonly file: string
  /** Of the archive file, in hexadecimal. */
  readonly sha256: string
  /** Bytes of the archive file; `bytes` are those of its members. */
  readonly size: number
  /** What is not in the archive just as it lies in the folder, one sentence each. */
  readonly notes: readonly string[]
}

export type Encrypted = JsonObject & {
  readonly file: string
  /** Of the encrypted file, in hexadecimal. */
  readonly sha256: string
  readonly size: number
}

export interface ArchivesView {
  /**
   * Reads a `.tar`, `.tar.gz` or `.tar.zst` to its end.
   * @throws RunbookError `verification` for damage, and for members that could reach outside or surprise: absolute paths, `..`,
   *   symbolic and hard links, devices, pipes, set-uid bits, limits exceeded.
   */
  inspect(file: string, limits: ArchiveLimits): Promise<ArchiveFacts>
}

export interface Archives extends ArchivesView {
  /** Inspects first, and extracts into a folder that must be empty or absent. */
  extract(file: string, into: string, limits: ArchiveLimits): Promise<ArchiveFacts>
  /**
   * Decrypts a `.gpg` (symmetric) or `.age` (passphrase) to a file that appears only once all of it is vouched for.
   * gpg writes plaintext before it knows the end is intact, so that text stays in a `.partial` until then, and its settings in a `.gnupg`.
   * @throws RunbookError `verification` for a wrong passphrase, truncation or damage.
   */
  decrypt(file: string, to: string, passphrase: SecretHandle): Promise<void>
  /**
   * Encrypts to a `.gpg` (symmetric, AES-256) or, by that ending, to an `.age` that appears only once it was decrypted again and gave back
   * the bytes of the file, which stays. Until then there is `TO.partial`, with gpg's settings in a `TO.gnupg`.
   * @throws RunbookError `failed` where something is in the way of `to`, `preflight` for a passphrase that is empty or of several lines,
   *   `verification` where the file changes meanwhile
   */
  encrypt(file: string, to: string, passphrase: SecretHandle): Promise<Encrypted>
  /**
   * Packs a tree into a `.tar.gz` that appears under its name once it is whole and durable; until then there is only `TO.partial`, and one
   * left by a kill is begun anew. The archive leaves itself out where it lies in the folder.
   *
   * A link to a file within the folder is packed as that file, for links are refused when an archive is unpacked; sockets, pipes and
   * devices hold no data and are left out with a note; set-uid and set-gid bits are left out with a note.
   * @throws RunbookError `failed` where something is in the way of `to`, for links to folders or out of the folder, names that could not be
   *   unpacked, a listed file that is missing, and for a file that shrinks while it is read; with `dated`, for any file that changes.
   */
  pack(packing: Packing, to: string): Promise<Packed>
}
