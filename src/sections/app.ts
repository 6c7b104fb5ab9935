import type { ServiceGroup } from '../drivers/services.ts'
import { section } from './parts/section.ts'
import { services } from './parts/values.ts'
import { writers } from './writers.ts'

export const app = section({
  about:
    'The services of the stack that one release of the application consists of; they are deployed and rolled back together.',
  schema: services,
  example: ['api', 'worker'],
  resolve: (names, { stack }): ServiceGroup => ({ stack: stack(), names }),
  absent: {
    about: 'the `writers`',
    resolve: ({ other }) => {
      const group = other(writers)
      if (group === undefined) return null
      return {
        value: group,
        says: `no app is configured: a release is taken to be the writers, ${group.names.join(', ')}; services that only read are left at their version`,
      }
    },
  },
})
