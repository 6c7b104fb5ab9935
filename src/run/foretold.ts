import type { Json } from '../kernel/json.ts'
import type { Prediction } from '../model/step.ts'
import type { Foretold } from './entry.ts'

/** A prediction as the journal keeps it. What the step left open stands as `{ $until }` or is missing. */
export function foretoldOf(prediction: Prediction<Json>): Foretold {
  return {
    output: (prediction.output ?? null) as Json,
    changes: prediction.changes ?? [],
    seconds: prediction.seconds ?? null,
    bytes: prediction.bytes ?? null,
  }
}
