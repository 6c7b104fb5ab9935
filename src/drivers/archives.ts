import type { JsonObject } from '../kernel/json.ts'
import type { SecretHandle } from './secrets.ts'
import type { Wrapping } from './wrapping.ts'

/** Limits for an archive. If any is exceeded the archive is refused before the first write. */
export type ArchiveLimits = {
  readonly maxBytes: number
  readonly maxMembers: number
  readonly maxDepth: number
}

export type ArchiveFacts = JsonObject & {
  readonly members: number
  readonly bytes: number
  /** The single top-level folder, or null. Its attributes from macOS, in `._FOLDER` beside it, do not count. */
  readonly top: string | null
}

/** A file in an archive. */
export type FoundMember = JsonObject & {
  /** Relative, without `./`. */
  readonly path: string
  /** The beginning of its content as UTF-8 text; what is not UTF-8 is replaced. */
  readonly head: string
  /** Whether `head` is the complete content. */
  readonly complete: boolean
}

/** What to pack into an archive, and how. */
export type Packing = {
  /** The folder whose tree is packed. May itself be a symbolic link. */
  readonly folder: string
  /** Files as paths relative to the folder, packed with their parent folders; null: everything. */
  readonly only: readonly string[] | null
  /** The single top-level folder of the archive; `.` puts the tree under `./`. */
  readonly as: string
  /**
   * What to leave out, with everything below it: a name (`node_modules`, `*.log`) at any depth, or a pattern
   * with an inner slash, from the top (`var/cache`, `logs/2025-*`).
   */
  readonly exclude: readonly string[]
  /**
   * Time (ISO 8601) of all members, for reproducible bytes: sorted, owner and group 0, modes 0644 and 0755
   * only. Null keeps owner, mode and time (whole seconds), as a copy of data must.
   * Compressed by Node's own zlib, so another build of Node may give other bytes for the same tree.
   */
  readonly dated: string | null
  /** The archive must be extractable under the same limits. */
  readonly limits: ArchiveLimits
}

export type Packed = ArchiveFacts & {
  readonly file: string
  /** Of the archive file, as hex. */
  readonly sha256: string
  /** Size of the archive file in bytes; `bytes` is the total of its members. */
  readonly size: number
  /** Differences between archive and folder, one sentence each. */
  readonly notes: readonly string[]
  /**
   * Paths, relative to the folder, of what was added, removed or written to between the first look and the end: the archive is
   * then the folder as it was at no single moment. Seen by size, times, owner, mode and inode; what is excluded is not looked at.
   */
  readonly changed: readonly string[]
}

export type Encrypted = JsonObject & {
  readonly file: string
  /** Of the encrypted file, as hex. */
  readonly sha256: string
  readonly size: number
}

/** A file that nothing wraps any more. */
export type Unwrapped = JsonObject & {
  readonly file: string
  /** Of that file, as hex. */
  readonly sha256: string
  readonly bytes: number
  /** What the original was wrapped in, the outermost first. */
  readonly wrapped: readonly Wrapping[]
}

export type Unwrapping = {
  /** Digest that the original must have; null where none is known. */
  readonly sha256: string | null
  /** Null where none is configured. */
  readonly passphrase: SecretHandle | null
}

export interface ArchivesView {
  /**
   * Reads a `.tar`, `.tar.gz` (one gzip member or several) or `.tar.zst` to its end.
   * @throws RunbookError `verification` for a damaged archive, exceeded limits and unsafe members: absolute
   *   paths, `..`, symbolic and hard links, devices, pipes, set-uid bits
   */
  inspect(file: string, limits: ArchiveLimits): Promise<ArchiveFacts>
  /**
   * The files whose name, the last part of the path, matches one of the patterns (`*` is any text), sorted
   * by path; each with its first 16 KiB.
   * @throws RunbookError as `inspect`
   */
  find(file: string, limits: ArchiveLimits, names: readonly string[]): Promise<readonly FoundMember[]>
  /**
   * Checks whether a tree can be packed, by its names, kinds and sizes; reads no contents.
   * @throws RunbookError `failed` as `pack` does
   */
  packable(packing: Packing): Promise<void>
}

export interface Archives extends ArchivesView {
  /**
   * Inspects the archive, then extracts it into a folder that must be empty or absent.
   * @param sha256 digest that the bytes read must have, where the archive was verified before
   * @throws RunbookError as `inspect`, and `verification` for another digest, before the first write
   */
  extract(file: string, into: string, limits: ArchiveLimits, sha256?: string): Promise<ArchiveFacts>
  /**
   * Decrypts a `.gpg` (symmetric) or `.age` (passphrase) file. `to` appears only once everything is verified:
   * gpg writes plaintext before it has checked the end, so it goes to `.partial` (gpg's home to `.gnupg`).
   * @param sha256 digest that the encrypted file must have, where it was verified before
   * @throws RunbookError `verification` for a wrong passphrase, truncation, damage or another digest
   */
  decrypt(file: string, to: string, passphrase: SecretHandle, sha256?: string): Promise<void>
  /**
   * Takes every compression and encryption off a file, by its content and never by its name. `to` appears only once all
   * of the file was read and has the expected digest; until then it is `TO.partial`.
   * @throws RunbookError `failed` if `to` exists, `verification` for a file that is missing, truncated, damaged or not the
   *   expected one, `preflight` where a program or the passphrase is missing
   */
  unwrap(file: string, to: string, by: Unwrapping): Promise<Unwrapped>
  /**
   * Encrypts to a `.gpg` (symmetric, AES-256) or `.age` file, by the ending of `to`. The input file is kept.
   * `to` appears only once it decrypts to the same bytes; until then it is `TO.partial`, with gpg's home in
   * `TO.gnupg`.
   * @throws RunbookError `failed` if `to` exists, `preflight` for a passphrase that is empty or has several
   *   lines, `verification` if the file changes meanwhile
   */
  encrypt(file: string, to: string, passphrase: SecretHandle): Promise<Encrypted>
  /**
   * Packs a tree into a `.tar.gz`, or with zstd into a `.tar.zst`, that gets its name once it is complete and durable; until then it is
   * `TO.partial`, which replaces one left by a kill. An archive inside the folder leaves itself out.
   *
   * A link to a file in the folder is packed as that file, since `extract` refuses links. Sockets, pipes,
   * devices, set-uid and set-gid bits are left out, each with a note.
   * @throws RunbookError `failed` if `to` exists, for links to folders, to missing files or out of the folder,
   *   names that cannot be extracted (not UTF-8, or equal but for the form of a Unicode character), a listed file that is missing, a file that shrinks while it is read, and with
   *   `dated` for any file that changes
   */
  pack(packing: Packing, to: string): Promise<Packed>
}
