import type { JsonObject } from '../kernel/json.ts'

/** Something that a run started and that may still act after the death of the run's process. */
export type Orphan = JsonObject & {
  readonly what: 'process' | 'container' | 'exec' | 'session'
  readonly id: string
  readonly step: string
}

/**
 * Orphans must be ended before an interrupted step is probed: a child survives `kill -9` of its parent, and a
 * process started by `docker exec` survives its client.
 */
export interface OrphansView {
  find(run: string): Promise<readonly Orphan[]>
}

export interface Orphans extends OrphansView {
  /** Ends them with TERM, then KILL, and waits. @throws RunbookError `in-doubt` if one does not end */
  end(run: string): Promise<readonly Orphan[]>
}
