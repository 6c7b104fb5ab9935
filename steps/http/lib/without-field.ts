import type { HealthCheck } from '../../../src/index.ts'

/** The same checks, which accept any value of one field of the response. */
export const withoutField = (checks: readonly HealthCheck[], field: string): readonly HealthCheck[] =>
  checks.map((check) => ({
    ...check,
    json: Object.fromEntries(Object.entries(check.json).filter(([name]) => name !== field)),
  }))
