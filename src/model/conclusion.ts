/**
 * What a run found out, for the operator who asked. A step returns it as `conclusion` of its output, and the command ends
 * with it on standard output instead of "Succeeded".
 */
export type Conclusion = {
  /** Without a full stop: `2 problems found`. The runbook and the target are added to it. */
  readonly summary: string
  /** What matters most first. Commands are written as `runbook …`. */
  readonly lines: readonly string[]
}
