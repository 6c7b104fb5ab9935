import { oneLine, sanitize } from '../kernel/sanitize.ts'
import type { Entry, Stored } from '../run/journal/entry.ts'
import { isDuty, type PlannedStep } from '../model/plan.ts'
import type { Finding } from '../model/step.ts'
import { stateOf } from '../run/journal/state.ts'
import { defaultLines } from './defaults.ts'
import { findingLines } from './ending.ts'
import { pastText, roughly } from './expected.ts'
import { fitted, type Width } from './fit.ts'

type EntryOf<T extends Entry['type']> = Extract<Entry, { readonly type: T }>

/** What a dry run saw and predicts. */
export type Foresight = {
  readonly title: string
  readonly target: string
  readonly steps: readonly {
    readonly title: string
    /** How much of it was seen, or why it is skipped. */
    readonly state: string
    /** Null for a skipped step. */
    readonly says: string | null
    readonly details: readonly string[]
  }[]
  readonly changes: readonly string[]
  /** What people will be asked. */
  readonly asked: readonly string[]
  readonly notPredictable: readonly string[]
  readonly duration: string
  readonly defaults: readonly string[]
  readonly warnings: readonly Finding[]
  readonly refusals: readonly Finding[]
}

/**
 * @param entries of its journal
 * @param pastSeconds durations of past runs of this kind that succeeded
 */
export function foresightOf(entries: readonly Stored[], pastSeconds: readonly number[]): Foresight {
  const { plan } = stateOf(entries)
  const all = entries.map(({ entry }) => entry)
  const of = <T extends Entry['type']>(type: T): readonly EntryOf<T>[] =>
    all.filter((entry): entry is EntryOf<T> => entry.type === type)
  const foretold = new Map(of('foretold').map((one) => [one.step, one]))
  const skipped = new Map(of('skipped').map((one) => [one.step, one.because]))
  const findings = of('preflighted').flatMap((one) => one.findings)
  const saysOf = (step: PlannedStep): string => oneLine(foretold.get(step.id)?.says ?? step.says)
  return {
    title: oneLine(plan.title),
    target: oneLine(String(plan.target['name'])),
    steps: plan.steps.map((step) => {
      const title = oneLine(step.title)
      const because = skipped.get(step.id)
      if (because !== undefined)
        return { title, state: `skipped: ${oneLine(because)}`, says: null, details: [] }
      const one = foretold.get(step.id)
      return { title, state: seenOf(step, one), says: saysOf(step), details: details(one) }
    }),
    changes: [...foretold.values()].flatMap((one) => one.prediction?.changes ?? []).map(oneLine),
    asked: plan.steps.filter((step) => isDuty(step) && !skipped.has(step.id)).map(saysOf),
    notPredictable: plan.steps
      .filter((step) => !skipped.has(step.id) && (foretold.get(step.id)?.unknown ?? null) !== null)
      .map((step) => oneLine(step.title)),
    duration: expectedDuration(
      [...foretold.values()].map((one) => one.prediction?.seconds ?? null),
      pastSeconds,
    ),
    defaults: plan.defaults === undefined ? [] : defaultLines(plan),
    warnings: findings.filter((one) => one.level === 'warn'),
    refusals: findings.filter((one) => one.level === 'refuse'),
  }
}

/** For a terminal. */
export function dryRunText(
  entries: readonly Stored[],
  pastSeconds: readonly number[],
  width: Width = null,
): string {
  const seen = foresightOf(entries, pastSeconds)
  const digits = String(seen.steps.length).length
  const indent = ' '.repeat(digits + 4)
  const listed = (label: string, items: readonly string[]): readonly string[] =>
    items.length === 0 ? [] : [label, ...items.map((item) => `  - ${item}`)]
  const lines = [
    `Dry run of ${seen.title} on ${seen.target}: nothing was changed.`,
    '',
    ...seen.steps.flatMap(({ title, state, says, details }, index) => [
      `  ${String(index + 1).padStart(digits)}. ${title}  (${state})`,
      ...(says === null ? [] : [`${indent}${says}`]),
      ...details.map((text) => `${indent}${text}`),
    ]),
    '',
    ...(seen.changes.length === 0
      ? ['Would change: nothing that can be predicted']
      : listed('Would change:', seen.changes)),
    ...listed('People will be asked:', seen.asked),
    ...(seen.notPredictable.length === 0 ? [] : [`Not predictable: ${seen.notPredictable.join(', ')}`]),
    `Expected duration: ${seen.duration}`,
    ...listed('Not configured:', seen.defaults),
    ...(seen.warnings.length === 0 ? [] : ['Warnings:', ...findingLines(seen.warnings)]),
    ...(seen.refusals.length === 0 ? [] : ['Blockers:', ...findingLines(seen.refusals)]),
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

function expectedDuration(foretold: readonly (number | null)[], past: readonly number[]): string {
  const usual = pastText(past)
  if (usual !== null) return usual
  const known = foretold.filter((seconds) => seconds !== null)
  if (known.length === 0) return 'unknown (no successful run yet)'
  const least = roughly(known.reduce((sum, seconds) => sum + seconds, 0))
  const count = `${known.length} of ${foretold.length}`
  return `at least ${least} (predicted by ${count} steps; no successful run yet)`
}
