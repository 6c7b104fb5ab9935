import type { Scope } from '../../../drivers/scope.ts'

/** Long enough for a big copy, short enough for whoever pressed Ctrl-C. */
const milliseconds = 60_000

/** For cleaning up after a step that was told to stop: the same step, but its own end. */
export const cleanupScope = (scope: Scope): Scope => ({
  run: scope.run,
  step: scope.step,
  signal: AbortSignal.timeout(milliseconds),
  output: (chunk) => scope.output(chunk),
  progress: () => undefined,
  spawned: (child) => scope.spawned(child),
})
