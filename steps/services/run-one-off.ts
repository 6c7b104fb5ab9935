import {
  composeLine,
  defineStep,
  isPending,
  RunbookError,
  say,
  type Finding,
  type Look,
  type OneOff,
  type PlanFacts,
} from '../../src/index.ts'
import { isActive } from './lib/active.ts'
import { missingImages } from './lib/missing-images.ts'

type Input = { readonly oneOff: OneOff }
type Output = { readonly service: string; readonly exitCode: number }

/**
 * Runs a service once, in its own instance that is removed afterwards, and takes its exit code as the result.
 * With `docker compose up`, that exit code would be lost.
 */
export const runOneOff = defineStep<Input, Output>({
  kind: 'services.run-one-off',
  leaves: ['processes', 'containers'],
  version: 1,
  effect: 'exercise',
  timeoutSeconds: 900,
  describe: ({ oneOff }) =>
    isPending(oneOff) ? 'Runs a one-off service.' : say`Runs ${oneOff.service} once and takes its exit code.`,
  preflight: async (look, { oneOff }, plan) => {
    if (isPending(oneOff)) return []
    const { services } = await look.services.facts(oneOff.stack)
    if (services.includes(oneOff.service))
      return [
        ...(await missingImages(look, { stack: oneOff.stack, names: [oneOff.service] }, 'one-off')),
        ...(await missingServices(look, oneOff, plan)),
      ]
    return [
      {
        level: 'refuse',
        about: oneOff.service,
        problem: `service ${oneOff.service} not found in the stack ${oneOff.stack.project}`,
        hint: `services in it: ${services.join(', ')}; fix runbook.config.ts`,
      },
    ]
  },
  predict: ({ input: { oneOff } }) => ({
    output: isPending(oneOff) ? null : { service: oneOff.service, exitCode: 0 },
  }),
  run: async (io, { oneOff }) => {
    const { exitCode } = await io.services.runOneOff(oneOff.stack, oneOff.service, oneOff.command)
    if (exitCode !== 0) {
      throw new RunbookError('failed', `${oneOff.service} ended with exit code ${exitCode}`, {
        hint: 'its output is in the log of this step',
      })
    }
    return { service: oneOff.service, exitCode }
  },
})

/** It is run without the services that it depends on: what nothing starts would be missing after the first effects. */
async function missingServices(
  look: Pick<Look, 'services'>,
  { stack, service }: OneOff,
  plan: PlanFacts,
): Promise<readonly Finding[]> {
  if (stack.kind !== 'compose') return []
  const [declared] = await look.services.declared({ stack, names: [service] })
  const names = (declared?.needs ?? []).filter((name) => plan.starterOf(name) === null)
  if (names.length === 0) return []
  return (await look.services.states({ stack, names }))
    .filter((one) => !isActive(one))
    .map((one) => ({
      level: 'refuse',
      about: service,
      problem: `${service} depends on ${one.service}, which ${one.state === 'missing' ? 'has no container' : `is ${one.state}`}, and no step starts it`,
      hint: `start it: ${composeLine(stack, `up --detach --no-deps ${one.service}`)}; or take it out of depends_on of ${service}`,
    }))
}
