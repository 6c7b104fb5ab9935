import type { ServiceGroup } from '../drivers/services.ts'
import { section } from './parts/section.ts'
import { services } from './parts/values.ts'

export const writers = section({
  about:
    'The services of the stack that write to the database. They are stopped while data is replaced; a writer missing here could write into data that is about to be replaced.',
  schema: services,
  example: ['api', 'worker'],
  resolve: (names, { stack }): ServiceGroup => ({ stack: stack(), names }),
})
