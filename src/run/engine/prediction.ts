import { requireJson, type Json } from '../../kernel/json.ts'
import { predictionFrom } from '../../model/returned.ts'
import type { AnyStep } from '../../model/step.ts'
import type { StoredPrediction } from '../journal/entry.ts'

/**
 * A prediction as journaled. What the step cannot predict is `{ $until }` or missing.
 * @param returned what `predict` of the step returned
 * @throws RunbookError `usage` if it is not a prediction
 * @throws TypeError if it is not JSON
 */
export function predictionOf(step: AnyStep, returned: unknown): StoredPrediction {
  const prediction = predictionFrom(step, returned)
  const stored = {
    output: (prediction.output ?? null) as Json,
    changes: prediction.changes ?? [],
    seconds: prediction.seconds ?? null,
    bytes: prediction.bytes ?? null,
  }
  return requireJson(stored, `the prediction of the step ${step.kind}`)
}
