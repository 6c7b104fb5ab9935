import { RunbookError, type Look, type ServiceGroup, type ServiceState } from '../../../src/index.ts'

/** Whether a service acts or is about to: one that crashes and restarts writes too, and a paused one goes on where it was. */
export const isActive = ({ state }: Pick<ServiceState, 'state'>): boolean =>
  state === 'running' || state === 'restarting' || state === 'paused'

export const activeNames = (states: readonly ServiceState[]): readonly string[] =>
  states.filter(isActive).map(({ service }) => service)

/**
 * A restart policy, a daemon that came back, a colleague: stopped a minute ago is not stopped now.
 * @param meanwhile what they would disturb: "the databases are exchanged"
 */
export async function requireQuiet(
  look: Pick<Look, 'services'>,
  services: ServiceGroup,
  meanwhile: string,
): Promise<void> {
  const active = activeNames(await look.services.states(services))
  if (active.length === 0) return
  throw new RunbookError(
    'failed',
    `${active.join(', ')} run${active.length === 1 ? 's' : ''} again, and would write while ${meanwhile}`,
    {
      hint: 'find out who starts them: a restart policy, another operator, a deployment',
    },
  )
}
