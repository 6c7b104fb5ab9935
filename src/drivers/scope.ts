import type { JsonObject } from '../kernel/json.ts'

/**
 * What a driver knows of the step that it works for. The engine makes one for each attempt of a step, so a driver never
 * guesses whom its output, its children or its database sessions belong to.
 */
export interface Scope {
  /** Run and step as they are tagged on children (`RUNBOOK_RUN`, `RUNBOOK_STEP`), sessions (`rb:RUN:STEP`) and containers. */
  readonly run: string
  readonly step: string
  /** Aborts on a time-out and on the second Ctrl-C. A driver ends what it started before it rejects. */
  readonly signal: AbortSignal
  /** Raw bytes of a child or a log. The engine redacts and stores them; a driver keeps none in memory. */
  output(chunk: Uint8Array): void
  progress(progress: Progress): void
  /** Says what was just started and could outlive us; it is journaled at once. */
  spawned(child: Child): void
}

export type Progress = {
  readonly done: number
  readonly total?: number
  readonly unit: 'bytes' | 'rows' | 'files' | 'checks'
}

/** Enough to know a process again: a pid alone may belong to somebody else by now. */
export type Child = JsonObject & {
  readonly pid: number
  /** Clock ticks since boot, field 22 of `/proc/PID/stat` (proc(5)); null where there is no /proc. */
  readonly startTime: number | null
  readonly argv0: string
}
