import { defineStep, isPending, say, type Look, type ServiceState, type Stack } from '../../src/index.ts'
import {
  observationsIn,
  observationsOfFailure,
  observationsOfState,
  type Observed,
  type Observation,
} from './lib/observations.ts'

type Input = {
  readonly stack: Stack
  /** Services that should run. */
  readonly needed: readonly string[]
}

const log = { sinceSeconds: 3600, maxBytes: 64 * 1024 }

/**
 * Checks every service that the stack declares: state, exit code, the last hour of its log, and whether its
 * image is on this machine.
 */
export const inspectServices = defineStep<Input, Observed>({
  kind: 'diagnose.look-at-services',
  version: 1,
  effect: 'observe',
  timeoutSeconds: 120,
  describe: ({ stack }) =>
    isPending(stack)
      ? 'Checks the services.'
      : say`Checks the services of ${stack.project}: states, exit codes, the last hour of their logs, images.`,
  run: async (look, { stack, needed }) => {
    try {
      const { services } = await look.services.facts(stack)
      const states = await look.services.states({ stack, names: services })
      const observations: Observation[] = []
      for (const state of states)
        observations.push(
          ...observationsOfState(state, needed.includes(state.service)),
          ...(await observationsInLog(look, stack, state)),
        )
      return { sights: [...observations, ...(await imagesMissing(look, stack, needed))] }
    } catch (thrown) {
      look.signal.throwIfAborted()
      const absent = await missingFiles(look, stack)
      return { sights: absent.length > 0 ? absent : observationsOfFailure(thrown, 'services-unread') }
    }
  },
})

async function missingFiles(look: Look, stack: Stack): Promise<readonly Observation[]> {
  const observations: Observation[] = []
  for (const path of stack.kind === 'compose' ? [stack.directory, ...stack.files] : []) {
    if ((await look.files.stat(path)) === null)
      observations.push({ case: 'stack-missing', evidence: `${path} of ${stack.project} not found` })
  }
  return observations
}

async function observationsInLog(
  look: Look,
  stack: Stack,
  { service, state }: ServiceState,
): Promise<readonly Observation[]> {
  if (state === 'missing') return []
  return observationsIn(await look.services.logs({ stack, names: [service] }, log), `the log of ${service}`)
}

async function imagesMissing(
  look: Look,
  stack: Stack,
  needed: readonly string[],
): Promise<readonly Observation[]> {
  if (stack.kind !== 'compose') return []
  const observations: Observation[] = []
  for (const { service, image } of await look.services.declared({ stack, names: needed })) {
    if (image !== null && (await look.images.find(image)) === null)
      observations.push({
        case: 'image-missing',
        evidence: `${service} is declared with ${image}, which is not on this machine`,
      })
  }
  return observations
}
