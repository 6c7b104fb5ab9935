import type { Stack } from '../drivers/services.ts'
import { section } from './parts/section.ts'
import { strict, text, texts } from './parts/values.ts'

export type OneOff = { readonly stack: Stack; readonly service: string; readonly command: readonly string[] }

export const smoke = section({
  about:
    'A service of the stack that tests the application from outside: it runs once, and exit code 0 is a pass.',
  schema: strict({
    service: text.describe('The service that runs once and ends.'),
    command: texts
      .default([])
      .describe('Command to run in it instead of its own; an empty list keeps its own.'),
  }),
  example: { service: 'smoke-tests' },
  resolve: (raw, { stack }): OneOff => ({ stack: stack(), ...raw }),
  absent: {
    about: 'no smoke test; the health checks alone prove that the application works',
    resolve: () => ({
      value: null,
      says: 'no smoke test is configured: only the health checks prove that the application works',
    }),
  },
})
