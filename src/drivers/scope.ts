import type { JsonObject } from '../kernel/json.ts'

/**
 * The attempt of a step that a driver works for, so that output, children and database sessions are
 * attributed to it. The engine creates one per attempt.
 */
export interface Scope {
  /** Run and step tag children (`RUNBOOK_RUN`, `RUNBOOK_STEP`), sessions (`rb:RUN:STEP`) and containers. */
  readonly run: string
  readonly step: string
  /** Looks before the step begins, as preflight and a dry run do. */
  readonly ahead?: boolean
  /** Aborts on a timeout and on the second Ctrl-C. A driver must end what it started before it rejects. */
  readonly signal: AbortSignal
  /** Raw bytes of a child or a log. The engine redacts and stores them; a driver must not buffer them. */
  output(chunk: Uint8Array): void
  progress(progress: Progress): void
  /** Reports a child that could outlive this process; journaled at once. */
  spawned(child: Child): void
}

export type Progress = {
  readonly done: number
  readonly total?: number
  readonly unit: 'bytes' | 'rows' | 'files' | 'checks'
}

/** Identifies a process even if its pid is reused. */
export type Child = JsonObject & {
  readonly pid: number
  /** Clock ticks since boot, field 22 of `/proc/PID/stat` (proc(5)); null without /proc. */
  readonly startTime: number | null
  readonly argv0: string
}
