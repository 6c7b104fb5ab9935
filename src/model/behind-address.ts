import type { Views } from '../drivers/drivers.ts'
import type { HealthCheck } from '../drivers/http.ts'
import type { ComposeStack, OwnHealthCheck, ServiceState, Stack } from '../drivers/services.ts'
import { composeLine } from './compose-line.ts'

/** The services of a stack that publish the port of a check's address, such as a proxy. */
export async function servicesBehind(
  look: Pick<Views, 'services'>,
  stack: Stack,
  check: Pick<HealthCheck, 'url'> | OwnHealthCheck,
): Promise<readonly (ServiceState & { readonly port: number })[]> {
  if ('service' in check) return []
  const { protocol, port: given } = new URL(check.url)
  const port = given === '' ? (protocol === 'https:' ? 443 : 80) : Number(given)
  const { published } = await look.services.facts(stack)
  const names = [...new Set(published.filter((one) => one.port === port).map(({ service }) => service))]
  if (names.length === 0) return []
  const states = await look.services.states({ stack, names })
  return states.map((state) => ({ ...state, port }))
}

/**
 * What brings up a service that is not running, or shows why one does not stay up. Without its dependencies, which may
 * be writers that are stopped on purpose, or a database without its data.
 */
export function bringUpLine(stack: ComposeStack, service: string, state: ServiceState['state']): string {
  if (state === 'missing') return composeLine(stack, `up --detach --no-deps ${service}`)
  if (state === 'paused') return composeLine(stack, `unpause ${service}`)
  if (state === 'stopped') return composeLine(stack, `start ${service}`)
  return composeLine(stack, `logs ${service}`)
}
