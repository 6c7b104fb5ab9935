import {
  defineStep,
  isPending,
  say,
  type Look,
  type ServiceGroup,
  type ServiceState,
} from '../../src/index.ts'
import { activeNames } from './lib/active.ts'

type Input = { readonly services: ServiceGroup; readonly graceSeconds?: number }
type Before = { readonly running: readonly string[]; readonly states: readonly ServiceState[] }

/** Proof that this run stopped these services. Steps that replace data require it, and still check again. */
export type StoppedServices = { readonly names: readonly string[]; readonly stoppedAt: string }

/** Stops services and verifies that none of them runs. Undone by starting those that were running. */
export const stopServices = defineStep<Input, StoppedServices, Before>({
  kind: 'services.stop',
  leaves: ['processes', 'containers'],
  version: 1,
  effect: 'change',
  alsoChanges: ({ services }) => (isPending(services) ? null : []),
  describe: ({ services }) =>
    isPending(services)
      ? 'Stops the services.'
      : say`Stops ${services.names} and checks that they are stopped.`,
  preflight: async (look, { services }) => {
    if (isPending(services)) return []
    await look.services.facts(services.stack)
    await look.services.states(services)
    return []
  },
  marks: { downFrom: true },
  survey: async (look, { services }) => {
    const states = await look.services.states(services)
    return { running: activeNames(states), states }
  },
  predict: ({ input, before }) => ({
    output: isPending(input.services) ? null : { names: input.services.names },
    changes: before === undefined ? [] : before.running.map((name) => `${name} is stopped`),
  }),
  run: async (io, { input: { services, graceSeconds } }) => {
    await io.services.stop(services, graceSeconds ?? 10)
    return stopped(io, services)
  },
  probe: async (look, { input: { services }, before, way }) => {
    const active = activeNames(await look.services.states(services))
    if (way === 'back' && before.running.every((name) => active.includes(name))) return { is: 'absent' }
    if (active.length === 0) return { is: 'done', output: stopped(look, services) }
    if (before.running.every((name) => active.includes(name))) return { is: 'absent' }
    return { is: 'torn', why: `still running: ${active.join(', ')}` }
  },
  rerunnable: true,
  // It starts and stops instances, which stay the same ones.
  undoGuards: () => [],
  undo: (io, { input: { services }, before }) =>
    io.services.start({ stack: services.stack, names: before.running }),
})

const stopped = ({ clock }: Pick<Look, 'clock'>, { names }: ServiceGroup): StoppedServices => ({
  names,
  stoppedAt: clock.now().toISOString(),
})
