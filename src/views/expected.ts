import type { Plan } from '../model/plan.ts'
import { duration } from './amounts.ts'

/** Whole seconds, at least one: an expectation is no measurement. */
export const roughly = (seconds: number): string => duration(Math.max(1, Math.round(seconds)))

export const pastRuns = (runs: number): string => (runs === 1 ? '1 past run' : `${runs} past runs`)

/** `8m 12s (median of 3 successful runs)`; null without a run. */
export function pastText(past: readonly number[]): string | null {
  if (past.length === 0) return null
  const sorted = [...past].sort((one, other) => one - other)
  const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
  const runs = past.length === 1 ? '1 successful run' : `${past.length} successful runs`
  return `${roughly(median)} (median of ${runs})`
}

/** What a run is expected to take, and what it is judged by; a line each, with its label. */
export function expectations(
  { target }: Pick<Plan, 'target'>,
  past: readonly number[],
): readonly (readonly [label: string, text: string])[] {
  const { rtoSeconds, rpoSeconds } = target['objectives'] as {
    readonly rtoSeconds: number | null
    readonly rpoSeconds: number | null
  }
  const objectives = [
    ...(rtoSeconds === null ? [] : [`RTO ${duration(rtoSeconds)}`]),
    ...(rpoSeconds === null ? [] : [`RPO ${duration(rpoSeconds)}`]),
  ]
  const usual = pastText(past)
  return [
    ...(objectives.length === 0 ? [] : [['Objectives', objectives.join(', ')] as const]),
    ...(usual === null ? [] : [['Expected duration', usual] as const]),
  ]
}
