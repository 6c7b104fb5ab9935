import { defineStep, isPending, say, type ServiceGroup } from '../../src/index.ts'
import { activeNames } from './lib/active.ts'

type Input = { readonly services: ServiceGroup }
type Before = { readonly running: readonly string[] }
type Output = { readonly names: readonly string[] }

/**
 * Starts services as they are; images are never built. Undone by stopping those that were not running
 * before.
 */
export const startServices = defineStep<Input, Output, Before>({
  kind: 'services.start',
  leaves: ['processes', 'containers'],
  version: 1,
  effect: 'change',
  describe: ({ services }) =>
    isPending(services) ? 'Starts the services.' : say`Starts ${services.names} without building.`,
  survey: async (look, { services }) => ({ running: activeNames(await look.services.states(services)) }),
  predict: ({ input }) =>
    isPending(input.services)
      ? { output: null }
      : {
          output: { names: input.services.names },
          changes: input.services.names.map((name) => `${name} is started`),
        },
  run: async (io, { input: { services } }) => {
    await io.services.start(services)
    return { names: services.names }
  },
  probe: async (look, { input: { services }, before }) => {
    const active = activeNames(await look.services.states(services))
    if (services.names.every((name) => active.includes(name)))
      return { is: 'done', output: { names: services.names } }
    const started = active.filter((name) => !before.running.includes(name))
    return started.length === 0
      ? { is: 'absent' }
      : { is: 'torn', why: `only ${active.join(', ')} of ${services.names.join(', ')} are running` }
  },
  rerunnable: true,
  undo: (io, { input: { services }, before }) =>
    io.services.stop(
      { stack: services.stack, names: services.names.filter((name) => !before.running.includes(name)) },
      10,
    ),
})
