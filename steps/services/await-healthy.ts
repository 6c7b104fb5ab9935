import { defineStep, isPending, RunbookError, say, type Look, type ServiceGroup } from '../../src/index.ts'

type Input = {
  readonly services: ServiceGroup
  /** How long to wait for checks that are still starting. Default 600. */
  readonly withinSeconds?: number
}
type Output = { readonly services: readonly { readonly service: string; readonly health: string }[] }

/** Restarts after which a container is considered unable to come up. */
const tooOften = 3

/**
 * Waits until Docker's own health checks have decided, however long their start period is.
 * A container is `starting` until its check passes, or fails as often as its image allows after that period.
 * A container without a health check counts as healthy once it runs.
 */
export const awaitHealthy = defineStep<Input, Output>({
  kind: 'services.await-healthy',
  leaves: [],
  version: 1,
  effect: 'observe',
  timeoutSeconds: 3600,
  describe: ({ services }) =>
    say`Waits until the health checks of ${isPending(services) ? services : services.names} have passed, for as long as their start period allows.`,
  predict: () => Promise.resolve({ output: null }),
  run: async (look, { services, withinSeconds = 600 }) => {
    const until = look.clock.monotonic() + withinSeconds * 1000
    const starts = new Set<string>()
    for (;;) {
      const states = await look.services.states(services)
      const bad = states.find(
        ({ state, health }) => health === 'unhealthy' || state === 'stopped' || state === 'missing',
      )
      if (bad !== undefined)
        throw notHealthy(
          bad.service,
          bad.health === 'unhealthy' ? 'its health check reports unhealthy' : `it is ${bad.state}`,
        )
      for (const { service, instances } of states)
        for (const { id, startedAt } of instances)
          if (startedAt !== null) starts.add(`${service} ${id} ${startedAt}`)
      if (starts.size > states.length + tooOften)
        throw notHealthy(services.names.join(', '), 'it keeps restarting')
      const waiting = states.filter(({ state, health }) => state !== 'running' || health === 'starting')
      if (waiting.length === 0)
        return noted(look, { services: states.map(({ service, health }) => ({ service, health })) })
      if (look.clock.monotonic() >= until)
        throw notHealthy(
          waiting.map(({ service }) => service).join(', '),
          `its health check was still starting after ${withinSeconds} s`,
        )
      await look.clock.sleep(1000, look.signal)
    }
  },
})

function noted(look: Look, output: Output): Output {
  for (const { service, health } of output.services)
    look.note(`${service}: ${health === 'none' ? 'running, no health check' : health}`)
  return output
}

const notHealthy = (service: string, why: string): RunbookError =>
  new RunbookError('failed', `${service} did not become healthy: ${why}`, { hint: 'check its log' })
