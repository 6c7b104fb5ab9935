import type { HealthCheck } from '../../../drivers/http.ts'
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

const hintFor = ({ url }: HealthCheck): string =>
  `curl -i ${url}; a run that ends with this check fails and rolls back`
