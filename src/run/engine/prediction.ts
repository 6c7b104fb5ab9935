import { requireJson, type Json } from '../../kernel/json.ts'
import type { Prediction } from '../../model/step.ts'
import type { StoredPrediction } from '../journal/entry.ts'

/**
 * A prediction as journaled. What the step cannot predict is `{ $until }` or missing.
 * @throws TypeError if it is not JSON
 */
export function predictionOf(prediction: Prediction<Json>): StoredPrediction {
  const stored = {
    output: (prediction.output ?? null) as Json,
    changes: prediction.changes ?? [],
    seconds: prediction.seconds ?? null,
    bytes: prediction.bytes ?? null,
  }
  return requireJson(stored, 'the prediction')
}
