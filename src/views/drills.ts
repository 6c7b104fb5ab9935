import { oneLine } from '../kernel/sanitize.ts'
import type { DrillStanding } from '../run/readiness/drill-calendar.ts'
import { duration, moment } from './amounts.ts'
import { columns } from './columns.ts'
import { fitted, type Width } from './fit.ts'

export type TargetDrills = { readonly target: string; readonly drills: readonly DrillStanding[] }

/** Proofs that are not in date. */
export const dueIn = (drills: readonly DrillStanding[]): readonly DrillStanding[] =>
  drills.filter(({ state }) => state !== 'proven')

/** The calendar of all targets as one table; then what to type for each proof that is due. */
export function drillsText(calendars: readonly TargetDrills[], now: Date, width: Width = null): string {
  const rows = [
    ['TARGET', 'DRILL', 'EVERY', 'LAST PROVEN', 'BY RUN', 'DUE', 'STATE'],
    ...calendars.flatMap(({ target, drills }) =>
      drills.map(({ drill, everySeconds, proof, failed, dueAt, state }) => [
        target,
        drill,
        duration(everySeconds),
        proof === null ? 'never' : moment(proof.at),
        proof === null ? '' : proof.run,
        dueAt === null ? 'now' : moment(dueAt),
        `${stateText(state, dueAt, now)}${failed === null ? '' : `; ${failed.outcome} on ${moment(failed.at)} (${failed.run})`}`,
      ]),
    ),
  ]
  const without = calendars.filter(({ drills }) => drills.length === 0)
  const next = calendars.flatMap(({ target, drills }) =>
    dueIn(drills).map(({ drill, why }) =>
      why === null
        ? `Prove it:  runbook run ${drill} --target ${target}`
        : `${oneLine(drill)} cannot run on ${target}: ${oneLine(why)}`,
    ),
  )
  const text = [
    ...(rows.length > 1 ? columns(rows, width) : []),
    ...without.map(
      ({ target }) => `No drill is due on ${oneLine(target)}: no runbook that proves one fits it.`,
    ),
    ...(next.length === 0 ? [] : ['', ...next]),
  ].join('\n')
  return `${fitted(text, width)}\n`
}

function stateText(state: DrillStanding['state'], dueAt: string | null, now: Date): string {
  const apart = dueAt === null ? null : Math.abs(Date.parse(dueAt) - now.getTime()) / 1000
  switch (state) {
    case 'proven':
      return apart === null ? 'proven' : `proven, due in ${coarse(apart)}`
    case 'overdue':
      return apart === null ? 'overdue' : `overdue for ${coarse(apart)}`
    case 'never':
      return 'never proven'
    case 'blocked':
      return 'cannot run'
  }
}

/** Days, below one hours, below one minutes: a calendar is no stopwatch. */
function coarse(seconds: number): string {
  for (const [name, length] of [
    ['day', 86_400],
    ['hour', 3600],
  ] as const) {
    const whole = Math.floor(seconds / length)
    if (whole > 0) return `${whole} ${name}${whole === 1 ? '' : 's'}`
  }
  return duration(Math.max(60, Math.floor(seconds / 60) * 60))
}
