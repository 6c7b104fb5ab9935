import type { Kill } from './kill.ts'
import type { Way } from './points.ts'

/** The boundaries of one step on its way forward, and its middle: so many milliseconds after it began. */
export const boundariesOf = (
  step: string,
  milliseconds: number,
): readonly (readonly [where: string, kill: Kill])[] => [
  ['before intent', { when: 'before', type: 'intent', step }],
  ['after intent', { when: 'after', type: 'intent', step }],
  ['mid-effect', { when: 'during', type: 'intent', step, wait: milliseconds }],
  ['after effect', { when: 'before', type: 'ended', step }],
  ['after outcome', { when: 'after', type: 'ended', step }],
]

/** The same with what is typed next: both from the middle, and one after the other from the boundaries. */
export const crashesIn = (
  step: string,
  milliseconds: number,
): readonly (readonly [where: string, kill: Kill, way: Way])[] =>
  boundariesOf(step, milliseconds).flatMap(([where, kill], index) =>
    (where === 'mid-effect'
      ? (['rollback', 'resume'] as const)
      : [index % 2 === 0 ? ('rollback' as const) : ('resume' as const)]
    ).map((way) => [where, kill, way] as const),
  )
