import { defineStep, isPending, RunbookError, say, type OneOff } from '../../src/index.ts'
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
  preflight: async (look, { oneOff }) => {
    if (isPending(oneOff)) return []
    const { services } = await look.services.facts(oneOff.stack)
    if (services.includes(oneOff.service))
      return missingImages(look, { stack: oneOff.stack, names: [oneOff.service] })
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
