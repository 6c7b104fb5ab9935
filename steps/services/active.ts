import type { ServiceState } from '../../src/index.ts'

/** Services that act or are about to: one that crashes and restarts writes too, and a paused one goes on where it was. */
export function activeNames(states: readonly ServiceState[]): readonly string[] {
  return states.filter(({ state }) => state === 'running' || state === 'restarting' || state === 'paused').map(({ service }) => service)
}
