import { z } from 'zod'
import type { AnyHealthCheck } from '../drivers/http.ts'
import { anyHealthCheck, anyHealthCheckOf } from './parts/health-check.ts'
import { section } from './parts/section.ts'

export const health = section({
  about:
    'Checks that prove that the service is up: by HTTP, or by the health check of its container. They decide whether a run succeeds: before the point of no return, a failing check rolls the run back.',
  schema: z.array(anyHealthCheck).readonly(),
  example: [{ name: 'api', url: 'http://127.0.0.1:8000/api/health', json: { status: 'ok' } }],
  alternatives: [[{ name: 'api', service: 'api' }]],
  resolve: (raw, context): readonly AnyHealthCheck[] => raw.map((check) => anyHealthCheckOf(check, context)),
})
