import type { JsonObject } from '../../kernel/json.ts'

/** Where a file comes from that decides what a run does. */
export type SourceFile = JsonObject & {
  readonly what: 'configuration' | 'runbook'
  /** Absolute path; null for a runbook of the program. */
  readonly file: string | null
  /** Of the work tree that the file is in. Null if it is not known, for the reason in `why`. */
  readonly commit: string | null
  /** Whether git knows the file. Null where the commit is. */
  readonly tracked: boolean | null
  /** Tracked files in its folder that differ from the commit, at most ten. */
  readonly changed: readonly string[]
  readonly why: string | null
}

/** The image of a service or throwaway server; of a process its program. */
export type UsedImage = JsonObject & {
  readonly what: string
  readonly image: string | null
  /** `sha256:…`. Null if it is not known, for the reason in `why`. */
  readonly id: string | null
  readonly why: string | null
  /**
   * Digests by which registries know it, `NAME@sha256:…`; empty if it was built or loaded on this machine. Null if that is not known,
   * missing in older journals and for a process.
   */
  readonly digests?: readonly string[] | null
}

/** What a run was made from. */
export type Provenance = JsonObject & {
  readonly files: readonly SourceFile[]
  /** Of the services that the plan names, as they were before the run changed anything. */
  readonly images: readonly UsedImage[]
}
