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
   * Decrypts `.gpg` (symmetric) to a file that appears only when gpg has vouched for all of it.
   * gpg writes plaintext before it knows the end is intact, so that text stays in a `.partial` until then, and its settings in a `.gnupg`.
   * @throws RunbookError `verification` for a wrong passphrase, truncation or damage.
   */
  decrypt(file: string, to: string, passphrase: SecretHandle): Promise<void>
}
