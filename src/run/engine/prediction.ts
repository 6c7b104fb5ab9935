import { requireJson, type Json } from '../../kernel/json.ts'
import type { Prediction } from '../../model/step.ts'
import type { StoredPrediction } from '../journal/entry.ts'

/**
 * A prediction as the journal keeps it. What the step left open stands as `{ $until }` or is missing.
 * @throws TypeError where it is no JSON
 */
export function predictionOf(prediction: Prediction<Json>): StoredPrediction {
  const foretold = {
    output: (prediction.output ?? null) as Json,
    changes: prediction.changes ?? [],
    seconds: prediction.seconds ?? null,
    bytes: prediction.bytes ?? null,
  }
  return requireJson(foretold, 'the prediction')
}
