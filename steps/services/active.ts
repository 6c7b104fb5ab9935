import type { ServiceState } from '../../src/index.ts'

/** Whether a service acts or is about to: one that crashes and restarts writes too, and a paused one goes on where it was. */
export const isActive = ({ state }: Pick<ServiceState, 'state'>): boolean => state === 'running' || state === 'restarting' || state === 'paused'

export const activeNames = (states: readonly ServiceState[]): readonly string[] => states.filter(isActive).map(({ service }) => service)
