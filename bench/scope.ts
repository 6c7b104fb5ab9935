import { randomUUID } from 'node:crypto'
import type { Scope } from '../src/drivers/scope.ts'

/** For adapters that are measured without a run around them: nothing is logged and nothing stops them. */
export const quietScope = (): Scope => ({
  run: randomUUID(),
  step: 'bench',
  signal: new AbortController().signal,
  output: () => undefined,
  progress: () => undefined,
  spawned: () => undefined,
})
