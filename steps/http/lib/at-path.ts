import type { Json, JsonObject } from '../../../src/index.ts'

/** Value at a dotted path in JSON: `checks.db`, `items.0.id`; undefined where there is none. Pure. */
export const atPath = (json: Json, path: string): Json | undefined =>
  path.split('.').reduce<Json | undefined>((here, key) => {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, key)) return undefined
    return (here as JsonObject)[key]
  }, json)
