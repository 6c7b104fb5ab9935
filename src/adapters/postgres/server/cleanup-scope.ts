import type { Scope } from '../../../drivers/scope.ts'

/** Enough to drop a large copy, and bearable after Ctrl-C. */
const milliseconds = 60_000

/** The scope for cleaning up after an aborted step: the same step with its own timeout. */
export const cleanupScope = (scope: Scope): Scope => ({
  run: scope.run,
  step: scope.step,
  signal: AbortSignal.timeout(milliseconds),
  output: (chunk) => scope.output(chunk),
  progress: () => undefined,
  spawned: (child) => scope.spawned(child),
})
