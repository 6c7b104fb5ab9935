import { z } from 'zod'
import type { HealthCheck } from '../drivers/http.ts'
import { healthCheck, healthCheckOf } from './parts/health-check.ts'
import { section } from './parts/section.ts'

export const health = section({
  about:
    'HTTP checks that prove that the service is up. They decide whether a run succeeds: before the point of no return, a failing check rolls the run back.',
  schema: z.array(healthCheck).readonly(),
  example: [{ name: 'api', url: 'http://127.0.0.1:8000/api/health', json: { status: 'ok' } }],
  resolve: (raw, context): readonly HealthCheck[] => raw.map((check) => healthCheckOf(check, context)),
})
