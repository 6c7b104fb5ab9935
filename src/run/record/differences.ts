import { isFields, sameJson, type Json, type JsonObject } from '../../kernel/json.ts'
import { isPending } from '../../model/pending.ts'
import type { StoredPrediction } from '../journal/entry.ts'

export type Difference = JsonObject & {
  /** `major`, `tables[2].rows`; empty for the complete value. */
  readonly path: string
  readonly foretold: Json
  /** Missing if the output has no value at the path. */
  readonly found?: Json
}

export type Comparison = JsonObject & {
  readonly verdict: 'equal' | 'differs' | 'not foretold'
  readonly differences: readonly Difference[]
}

/**
 * Compares a prediction with the output. Parts that are missing in the prediction or `{ $until }` were not
 * predicted, so they cannot differ.
 */
export function compare(prediction: StoredPrediction | null, output: Json): Comparison {
  if (prediction === null || prediction.output === null || isPending(prediction.output))
    return { verdict: 'not foretold', differences: [] }
  const differences = differing(prediction.output, output, '')
  return { verdict: differences.length === 0 ? 'equal' : 'differs', differences }
}

function differing(foretold: Json, found: Json | undefined, path: string): readonly Difference[] {
  if (isPending(foretold)) return []
  if (found === undefined) return [{ path, foretold }]
  if (isList(foretold) && isList(found) && foretold.length === found.length) {
    return foretold.flatMap((item, index) => differing(item, found[index], `${path}[${index}]`))
  }
  if (isFields(foretold) && isFields(found)) {
    return Object.keys(foretold)
      .sort()
      .flatMap((key) =>
        differing(
          foretold[key] as Json,
          Object.hasOwn(found, key) ? found[key] : undefined,
          path === '' ? key : `${path}.${key}`,
        ),
      )
  }
  return sameJson(foretold, found) ? [] : [{ path, foretold, found }]
}

const isList = (value: Json): value is readonly Json[] => Array.isArray(value)
