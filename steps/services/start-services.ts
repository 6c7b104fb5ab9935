import { defineStep, isPending, say, type ServiceGroup, type ServiceState } from '../../src/index.ts'
import { activeNames } from './lib/active.ts'
import { missingImages } from './lib/missing-images.ts'

type Input = { readonly services: ServiceGroup }
/** `missing`: without an instance; left out in journals of earlier versions. */
type Before = { readonly running: readonly string[]; readonly missing?: readonly string[] }
type Output = { readonly names: readonly string[] }

/**
 * Starts services as they are; images are never built. Undone by stopping those that were not running
 * before, and removing those that had no instance.
 */
export const startServices = defineStep<Input, Output, Before>({
  kind: 'services.start',
  leaves: ['processes', 'containers'],
  version: 1,
  effect: 'change',
  alsoChanges: ({ services }) => (isPending(services) ? null : []),
  describe: ({ services }) =>
    isPending(services) ? 'Starts the services.' : say`Starts ${services.names} without building.`,
  preflight: async (look, { services }) => {
    if (isPending(services)) return []
    const states = await look.services.states(services).catch(() => [])
    return missingImages(look, { stack: services.stack, names: missingNames(states) })
  },
  survey: async (look, { services }) => {
    const states = await look.services.states(services)
    return { running: activeNames(states), missing: missingNames(states) }
  },
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
  probe: async (look, { input: { services }, before, way }) => {
    const states = await look.services.states(services)
    const active = activeNames(states)
    const created = (before.missing ?? []).filter((name) => !missingNames(states).includes(name))
    if (services.names.every((name) => active.includes(name)))
      return { is: 'done', output: { names: services.names } }
    const started = active.filter((name) => !before.running.includes(name))
    if (way === 'back' && started.length === 0 && created.length > 0)
      return { is: 'torn', why: `${created.join(', ')} had no instance before` }
    return started.length === 0
      ? { is: 'absent' }
      : { is: 'torn', why: `only ${active.join(', ')} of ${services.names.join(', ')} are running` }
  },
  rerunnable: true,
  // It starts and stops instances, which stay the same ones.
  undoGuards: () => [],
  undo: async (io, { input: { services }, before }) => {
    const { stack, names } = services
    await io.services.stop({ stack, names: names.filter((name) => !before.running.includes(name)) }, 10)
    const { missing = [] } = before
    if (missing.length > 0) await io.services.remove({ stack, names: missing })
  },
})

const missingNames = (states: readonly ServiceState[]): readonly string[] =>
  states.filter(({ state }) => state === 'missing').map(({ service }) => service)
