import { oneLine, sanitize } from '../kernel/sanitize.ts'
import type { Entry, Stored } from '../run/journal/entry.ts'
import { isDuty, type PlannedStep } from '../model/plan.ts'
import { stateOf } from '../run/journal/state.ts'
import { defaultLines } from './defaults.ts'
import { findingLines } from './ending.ts'
import { pastText, roughly } from './expected.ts'
import { fitted, type Width } from './fit.ts'

type EntryOf<T extends Entry['type']> = Extract<Entry, { readonly type: T }>

/**
 * What a dry run saw and predicts, from its journal entries.
 * @param pastSeconds durations of past runs of this kind that succeeded
 */
export function dryRunText(
  entries: readonly Stored[],
  pastSeconds: readonly number[],
  width: Width = null,
): string {
  const { plan } = stateOf(entries)
  const all = entries.map(({ entry }) => entry)
  const of = <T extends Entry['type']>(type: T): readonly EntryOf<T>[] =>
    all.filter((entry): entry is EntryOf<T> => entry.type === type)
  const foretold = new Map(of('foretold').map((one) => [one.step, one]))
  const skipped = new Map(of('skipped').map((one) => [one.step, one.because]))
  const findings = of('preflighted').flatMap((one) => one.findings)
  const digits = String(plan.steps.length).length
  const steps = plan.steps.flatMap((step, index) => {
    const indent = ' '.repeat(digits + 4)
    const head = `  ${String(index + 1).padStart(digits)}. ${oneLine(step.title)}`
    const because = skipped.get(step.id)
    if (because !== undefined) return [`${head}  (skipped: ${oneLine(because)})`]
    return [
      `${head}  (${seenOf(step, foretold.get(step.id))})`,
      `${indent}${oneLine(foretold.get(step.id)?.says ?? step.says)}`,
      ...details(foretold.get(step.id)).map((text) => `${indent}${text}`),
    ]
  })
  const changes = [...foretold.values()].flatMap((one) => one.prediction?.changes ?? [])
  const asked = plan.steps.filter((step) => isDuty(step) && !skipped.has(step.id))
  const unsure = plan.steps.filter(
    (step) => !skipped.has(step.id) && (foretold.get(step.id)?.unknown ?? null) !== null,
  )
  const refusals = findings.filter((one) => one.level === 'refuse')
  const warnings = findings.filter((one) => one.level === 'warn')
  const lines = [
    `Dry run of ${oneLine(plan.title)} on ${oneLine(String(plan.target['name']))}: nothing was changed.`,
    '',
    ...steps,
    '',
    changes.length === 0 ? 'Would change: nothing that can be predicted' : 'Would change:',
    ...changes.map((change) => `  - ${oneLine(change)}`),
    ...(asked.length === 0
      ? []
      : [
          'People will be asked:',
          ...asked.map((step) => `  - ${oneLine(foretold.get(step.id)?.says ?? step.says)}`),
        ]),
    ...(unsure.length === 0
      ? []
      : [`Not predictable: ${unsure.map((step) => oneLine(step.title)).join(', ')}`]),
    durationLine(
      [...foretold.values()].map((one) => one.prediction?.seconds ?? null),
      pastSeconds,
    ),
    ...(plan.defaults === undefined
      ? []
      : ['Not configured:', ...defaultLines(plan).map((line) => `  - ${line}`)]),
    ...(warnings.length === 0 ? [] : ['Warnings:', ...findingLines(warnings)]),
    ...(refusals.length === 0 ? [] : ['Blockers:', ...findingLines(refusals)]),
    '',
  ]
  return fitted(lines.join('\n'), width)
}

function seenOf(step: PlannedStep, foretold: EntryOf<'foretold'> | undefined): string {
  if (step.effect === 'decide') return 'will ask'
  if (foretold === undefined) return 'not reached'
  if (foretold.looked) return step.effect === 'observe' ? 'observed' : 'surveyed, predicted'
  return foretold.prediction === null ? 'not known yet' : 'predicted'
}

function details(foretold: EntryOf<'foretold'> | undefined): readonly string[] {
  if (foretold === undefined) return []
  return [
    ...foretold.notes.map((note) => `· ${oneLine(note)}`),
    ...(foretold.prediction?.changes ?? []).map((change) => `→ ${oneLine(change)}`),
    ...(foretold.unknown === null ? [] : [`? ${sanitize(foretold.unknown)}`]),
  ]
}

function durationLine(foretold: readonly (number | null)[], past: readonly number[]): string {
  const usual = pastText(past)
  if (usual !== null) return `Expected duration: ${usual}`
  const known = foretold.filter((seconds) => seconds !== null)
  if (known.length === 0) return 'Expected duration: unknown (no successful run yet)'
  const least = roughly(known.reduce((sum, seconds) => sum + seconds, 0))
  const count = `${known.length} of ${foretold.length}`
  return `Expected duration: at least ${least} (predicted by ${count} steps; no successful run yet)`
}
