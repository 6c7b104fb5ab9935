import type { ServiceGroup } from '../drivers/services.ts'
import { section } from './parts/section.ts'
import { services } from './parts/values.ts'

export const app = section({
  about:
    'The services of the stack that one release of the application consists of; they are deployed and rolled back together.',
  schema: services,
  example: ['api', 'worker'],
  resolve: (names, { stack }): ServiceGroup => ({ stack: stack(), names }),
})
