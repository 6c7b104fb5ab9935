import type { Json, JsonObject } from '../../../kernel/json.ts'
import { Notebook, type Check } from '../check.ts'

/** Kind of the step of `diagnose` that lists what its inspections saw. */
const report = 'diagnose.tell'

/** Cases that other checks judge, and advice that fits every system. */
const judgedElsewhere = [
  'backup-stale',
  'checksum-mismatch',
  'checksum-missing',
  'mount-unavailable',
  'image-missing',
  'no-way-back',
]

export const symptoms: Check = {
  id: 'symptoms',
  of: 'target',
  looksAt: 'The inspections of `diagnose` see no symptom of a known problem.',
  run: async ({ plans, ahead }) => {
    const notes = new Notebook()
    const diagnose = plans.find(({ book }) => book.name === 'diagnose')
    if (diagnose === undefined) {
      notes.unchecked('symptoms', 'there is no runbook `diagnose`')
      return notes.answer
    }
    const { seen } = await ahead(diagnose)
    const listed = findingsIn(seen.get(report))
    if (listed === null) notes.unchecked('symptoms', 'the inspections did not finish')
    if (listed !== null) notes.fact('diagnose has looked')
    for (const { id, evidence, cause, next } of listed ?? [])
      if (!judgedElsewhere.includes(id) && evidence.length > 0)
        for (const line of evidence) notes.warn(id, line, `${cause}; next: ${next}`)
    return notes.answer
  },
}

type Symptom = {
  readonly id: string
  readonly evidence: readonly string[]
  readonly cause: string
  readonly next: string
}

function findingsIn(output: Json | undefined): readonly Symptom[] | null {
  const findings = (output as JsonObject | undefined)?.['findings']
  if (!Array.isArray(findings)) return null
  return (findings as readonly JsonObject[]).map((one) => ({
    id: String(one['case']),
    evidence: (one['evidence'] as readonly string[] | undefined) ?? [],
    cause: String(one['cause']),
    next: String(one['command'] ?? one['act']),
  }))
}
