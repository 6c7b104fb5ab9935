import {
  RunbookError,
  type Finding,
  type Look,
  type ServiceGroup,
  type ServiceState,
} from '../../../src/index.ts'

/**
 * Whether a service can write or is about to: a crashing one writes between restarts, and a paused one
 * continues.
 */
export const isActive = ({ state }: Pick<ServiceState, 'state'>): boolean =>
  state === 'running' || state === 'restarting' || state === 'paused'

export const activeNames = (states: readonly ServiceState[]): readonly string[] =>
  states.filter(isActive).map(({ service }) => service)

/** Warnings about services that are started although they do not run: somebody may have stopped them on purpose. */
export const idleFindings = (states: readonly ServiceState[]): readonly Finding[] =>
  states
    .filter((one) => !isActive(one))
    .map(({ service, state }) => ({
      level: 'warn',
      about: service,
      problem: `${service} ${state === 'missing' ? 'has no instance' : 'is stopped'} now, and the run starts it`,
      hint: 'if it was stopped on purpose, stop it again afterwards',
    }))

/**
 * Throws `failed` if any of the services is active: a restart policy, a restarted daemon or a colleague may
 * have started one since it was stopped.
 * @param meanwhile what their writes would disturb: "the databases are exchanged"
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
    `${active.join(', ')} ${active.length === 1 ? 'is' : 'are'} running again, and would write while ${meanwhile}`,
    {
      hint: 'find out what starts them: a restart policy, another operator, a deployment',
    },
  )
}
