import type { JsonObject } from '../kernel/json.ts'

/** Where a work tree stands. */
export type Head = JsonObject & {
  /** All forty characters. */
  readonly sha: string
  /** Committer's time, ISO 8601, UTC. */
  readonly committedAt: string
  /** Tags that name exactly this commit, sorted. */
  readonly tags: readonly string[]
}

export type Dirt = JsonObject & {
  /** Files that git knows and that differ from the last commit, those removed since included; sorted. */
  readonly changed: readonly string[]
  /** Files that git does not know, those that it ignores aside; sorted. */
  readonly untracked: readonly string[]
}

export type Commit = JsonObject & {
  readonly sha: string
  readonly committedAt: string
  readonly subject: string
}

/** A repository with its work tree. Only looked at: nothing here writes, and no hook, pager or helper of the repository runs. */
export interface GitView {
  /** @throws RunbookError `preflight` where the folder is in no work tree, or nothing was committed yet. */
  head(directory: string): Promise<Head>
  /** Paths at and below the folder, relative to it, where the work tree is not what was committed last. */
  dirty(directory: string): Promise<Dirt>
  /** Files that git knows in the folder, relative to it, sorted. @throws RunbookError `failed` for submodules that are not checked out. */
  tracked(directory: string): Promise<readonly string[]>
  /** The exact bytes of a file, given relative to the folder, at a revision. @throws RunbookError `failed` where either does not exist, and past 16 MiB. */
  show(directory: string, revision: string, path: string): Promise<Uint8Array>
  /** Commits that changed a file, newest first. */
  history(directory: string, path: string, most: number): Promise<readonly Commit[]>
}
