import type { Kill } from './kill.ts'
import type { Way } from './points.ts'

/**
 * Where a kill of one step leaves the real world in a state that only reality can show: in the middle, so many milliseconds after it began,
 * and with the effect there but not journaled. The other boundaries are proven on the in-memory world: see docs/testing.md.
 */
export const boundariesOf = (
  step: string,
  milliseconds: number,
): readonly (readonly [where: string, kill: Kill])[] => [
  ['mid-effect', { when: 'during', type: 'intent', step, wait: milliseconds }],
  ['after effect', { when: 'before', type: 'ended', step }],
]

/**
 * The same with what is typed next. Once the effect is there only resume is: it shows that the effect is recognized, and
 * undoing one that is complete is what the run of each suite that fails late does.
 */
export const crashesIn = (
  step: string,
  milliseconds: number,
): readonly (readonly [where: string, kill: Kill, way: Way])[] =>
  boundariesOf(step, milliseconds).flatMap(([where, kill]) =>
    (kill.when === 'during' ? (['rollback', 'resume'] as const) : (['resume'] as const)).map(
      (way) => [where, kill, way] as const,
    ),
  )
