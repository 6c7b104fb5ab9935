import { isOwnCheck, type AnyHealthCheck } from '../../../src/index.ts'

/** The same checks, which accept any value of one field of the response. */
export const withoutField = (checks: readonly AnyHealthCheck[], field: string): readonly AnyHealthCheck[] =>
  checks.map((check) =>
    isOwnCheck(check)
      ? check
      : {
          ...check,
          json: Object.fromEntries(Object.entries(check.json).filter(([name]) => name !== field)),
        },
  )
