import type { JsonObject } from '../kernel/json.ts'

/** Something that a run started and that may still act after the run's process died. */
export type Orphan = JsonObject & {
  readonly what: 'process' | 'container' | 'exec' | 'session'
  readonly id: string
  readonly step: string
}

/**
 * Before an interrupted step is judged, its old effect must be dead: a child outlives `kill -9` of its parent, and a process
 * started by `docker exec` outlives its client.
 */
export interface OrphansView {
  find(run: string): Promise<readonly Orphan[]>
}

export interface Orphans extends OrphansView {
  /** Ends them, TERM then KILL, and returns when they are gone. @throws RunbookError `in-doubt` for one that will not die. */
  end(run: string): Promise<readonly Orphan[]>
}
