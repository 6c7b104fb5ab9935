import type { JsonObject } from '../kernel/json.ts'

/** The commit that is checked out in a work tree. */
export type Head = JsonObject & {
  /** All 40 hex digits. */
  readonly sha: string
  /** Committer date, ISO 8601, UTC. */
  readonly committedAt: string
  /** Tags of exactly this commit, sorted. */
  readonly tags: readonly string[]
}

export type Dirt = JsonObject & {
  /** Tracked files that differ from the last commit, including removed ones; sorted. */
  readonly changed: readonly string[]
  /** Untracked files that are not ignored; sorted. */
  readonly untracked: readonly string[]
}

/** A folder of a work tree; paths are relative to the folder. */
export type WorkTree = Dirt & {
  /** The commit that is checked out, all 40 hex digits; null where there is none yet. */
  readonly sha: string | null
  /** What git ignores, sorted; a folder stands for all in it, and `.` for the folder itself. */
  readonly ignored: readonly string[]
}

export type Commit = JsonObject & {
  readonly sha: string
  readonly committedAt: string
  readonly subject: string
}

/** A repository with its work tree. Read-only; no hook, pager or helper of the repository runs. */
export interface GitView {
  /** @throws RunbookError `preflight` if the folder is not in a work tree or there is no commit yet */
  head(directory: string): Promise<Head>
  /** Paths in the folder, relative to it, that differ from the last commit. */
  dirty(directory: string): Promise<Dirt>
  /** The work trees that folders are in, in the order of the folders; null for a folder that is in none. */
  workTrees(directories: readonly string[]): Promise<readonly (WorkTree | null)[]>
  /**
   * Tracked files in the folder, relative to it, sorted.
   * @throws RunbookError `failed` for submodules that are not checked out
   */
  tracked(directory: string): Promise<readonly string[]>
  /**
   * The bytes of a file at a revision; `path` is relative to the folder.
   * @throws RunbookError `failed` if either does not exist, or beyond 16 MiB
   */
  show(directory: string, revision: string, path: string): Promise<Uint8Array>
  /**
   * Whether git ignores a path, absolute or relative to the folder, which need not exist; null where it is in no work
   * tree. A path below a folder counts as that folder.
   */
  ignores(directory: string, path: string): Promise<boolean | null>
  /** At most `most` commits that changed a file, newest first. */
  history(directory: string, path: string, most: number): Promise<readonly Commit[]>
}
