import { isOwnCheck, type AnyHealthCheck } from '../../../drivers/http.ts'
import { whyNotHealthy } from '../../../drivers/services.ts'
import { failureOf } from '../../../kernel/errors.ts'
import { Notebook, type Check } from '../check.ts'

export const addresses: Check = {
  id: 'addresses',
  of: 'target',
  looksAt: 'The health checks answer as they must.',
  run: async ({ target: { health = [] }, look }) => {
    const notes = new Notebook()
    if (health.length > 0) notes.fact(`${health.length} looked at`)
    for (const check of health) {
      try {
        if (isOwnCheck(check)) {
          const why = whyNotHealthy(await look.services.states(check.service))
          if (why !== null) notes.refuse(check.name, `${check.name}: ${why}`, hintFor(check))
          continue
        }
        const { status } = await look.http.get(check.url, check)
        if (status !== check.status)
          notes.refuse(check.name, `${check.url} answers ${status}, not ${check.status}`, hintFor(check))
      } catch (thrown) {
        notes.refuse(check.name, `${check.name}: ${failureOf(thrown).message}`, hintFor(check))
      }
    }
    return notes.answer
  },
}

const hintFor = (check: AnyHealthCheck): string =>
  `${isOwnCheck(check) ? `docker compose ps ${check.service.names.join(' ')}` : `curl -i ${check.url}`}; a run that ends with this check fails and rolls back`
