import type { Views } from '../../drivers/drivers.ts'
import { isOwnCheck, type AnyHealthCheck } from '../../drivers/http.ts'
import type { ServiceState, Stack } from '../../drivers/services.ts'

/** The services of a stack that publish the port of a health check's address, such as a proxy. */
export async function servicesBehind(
  look: Pick<Views, 'services'>,
  stack: Stack,
  check: AnyHealthCheck,
): Promise<readonly (ServiceState & { readonly port: number })[]> {
  if (isOwnCheck(check)) return []
  const { protocol, port: given } = new URL(check.url)
  const port = given === '' ? (protocol === 'https:' ? 443 : 80) : Number(given)
  const { published } = await look.services.facts(stack)
  const names = [...new Set(published.filter((one) => one.port === port).map(({ service }) => service))]
  if (names.length === 0) return []
  const states = await look.services.states({ stack, names })
  return states.map((state) => ({ ...state, port }))
}
