import { isOwnCheck, type AnyHealthCheck } from '../../../drivers/http.ts'
import { whyNotHealthy, type ServiceGroup } from '../../../drivers/services.ts'
import { failureOf } from '../../../kernel/errors.ts'
import { shellWord } from '../../../kernel/shell-quote.ts'
import { bringUpLine, servicesBehind } from '../../../model/behind-address.ts'
import { composeLine } from '../../../model/compose-line.ts'

import { Notebook, type Check } from '../check.ts'

export const addresses: Check = {
  id: 'addresses',
  of: 'target',
  looksAt: 'The health checks answer as they must.',
  run: async ({ target: { health = [], stack }, look }) => {
    const notes = new Notebook()
    const refuse = async (check: AnyHealthCheck, problem: string): Promise<void> => {
      // What is not known of the services, their own check reports.
      const behind = stack === undefined ? [] : await servicesBehind(look, stack, check).catch(() => [])
      const down = behind.filter(({ state, health: own }) => state !== 'running' || own === 'unhealthy')
      const why = down.map(
        ({ service, port, state }) =>
          `${service}, which publishes port ${port}, is ${state === 'running' ? 'unhealthy' : state}`,
      )
      const cures = down.flatMap(({ service, state }) =>
        stack?.kind === 'compose' ? [bringUpLine(stack, service, state)] : [],
      )
      // Runbooks that ask the address are refused in the same words.
      notes.refuse(check.name, [problem, ...why].join('; '), [...cures, hintFor(check)].join('; then: '), why)
    }
    if (health.length > 0) notes.fact(`${health.length} looked at`)
    for (const check of health) {
      try {
        if (isOwnCheck(check)) {
          const why = whyNotHealthy(await look.services.states(check.service))
          if (why !== null) await refuse(check, `${check.name}: ${why}`)
          continue
        }
        const { status } = await look.http.get(check.url, check)
        if (status !== check.status)
          await refuse(check, `${check.url} answers ${status}, not ${check.status}`)
      } catch (thrown) {
        await refuse(check, `${check.name}: ${failureOf(thrown).message}`)
      }
    }
    return notes.answer
  },
}

function hintFor(check: AnyHealthCheck): string {
  const first = isOwnCheck(check) ? psOf(check.service) : `curl -i ${shellWord(check.url)}`
  return `${first}; a run that ends with this check fails and rolls back`
}

const psOf = ({ stack, names }: ServiceGroup): string =>
  stack.kind === 'compose'
    ? composeLine(stack, `ps --all ${names.join(' ')}`)
    : `the logs are in ${stack.state}`
