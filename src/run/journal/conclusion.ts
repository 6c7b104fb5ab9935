import type { Json, JsonObject } from '../../kernel/json.ts'
import type { Conclusion } from '../../model/conclusion.ts'
import type { RunState } from './state.ts'

/** What a run found out: the conclusion of the last step that has one; null where none has. */
export function conclusionOf({ plan, steps }: Pick<RunState, 'plan' | 'steps'>): Conclusion | null {
  const all = plan.steps.flatMap(({ id }) => {
    const conclusion = conclusionIn(steps.get(id)?.output ?? null)
    return conclusion === null ? [] : [conclusion]
  })
  return all.at(-1) ?? null
}

/** Outputs are data of any step, so that only this very shape counts. */
function conclusionIn(output: Json): Conclusion | null {
  const { summary, lines } = objectOf(objectOf(output)?.['conclusion'] ?? null) ?? {}
  if (typeof summary !== 'string' || !Array.isArray(lines)) return null
  return lines.every((line) => typeof line === 'string') ? { summary, lines } : null
}

const objectOf = (value: Json): JsonObject | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null
