import type { DrillStanding } from '../../run/readiness/drill-calendar.ts'
import type { PlaceStanding, Protection } from '../../run/readiness/protection.ts'
import { duration, moment, size } from '../amounts.ts'
import { code, list, paragraph, strong, table, type Block, type Inline } from '../document.ts'
import { runHref } from './frame.ts'

/** What is wrong with the protection of a target, in a few words each. */
export function troubles({ places, drills, problem }: Protection): readonly string[] {
  return [
    ...(problem === null ? [] : [problem]),
    ...places.flatMap(({ section, problem }) => (problem === null ? [] : [`${section}: ${problem}`])),
    ...(drills ?? []).flatMap(({ drill, state, why }) =>
      state === 'proven'
        ? []
        : [
            state === 'never'
              ? `${drill} has never succeeded`
              : state === 'overdue'
                ? `${drill} is overdue`
                : `${drill} is due and cannot run: ${why ?? ''}`,
          ],
    ),
  ]
}

export function placesAsBlocks(places: readonly PlaceStanding[], now: Date): readonly Block[] {
  if (places.length === 0) return [paragraph('No place of backups is configured.')]
  return [
    table(
      ['Backups', 'Where', 'Newest', 'Age', 'Size', 'Last restored by', 'State'],
      places.map(({ section, place, count, newest, proven, problem }): readonly Inline[] => [
        section,
        code(place),
        newest === null ? '' : code(newest.name),
        newest === null ? '' : age(newest.takenAt, now),
        newest === null ? '' : size(newest.bytes),
        proven === null
          ? newest === null
            ? ''
            : 'no run that is known'
          : [
              runLink(proven.run),
              `, ${moment(proven.at)}`,
              proven.by === 'same-name' ? ', by name and size' : '',
            ],
        problem === null ? `recent, not read; ${count ?? 0} in all` : strong(problem),
      ]),
    ),
  ]
}

export function drillsAsBlocks(drills: readonly DrillStanding[] | null, now: Date): readonly Block[] {
  if (drills === null) return [paragraph(strong('Not known: the journal cannot be read.'))]
  if (drills.length === 0) return [paragraph('No drill is due: no runbook that proves one fits.')]
  return [
    table(
      ['Drill', 'Every', 'Last proven', 'By', 'Due', 'State'],
      drills.map(({ drill, everySeconds, proof, failed, dueAt, state, why }): readonly Inline[] => [
        drill,
        duration(everySeconds),
        proof === null ? 'never' : `${moment(proof.at)} (${age(proof.at, now)} ago)`,
        proof === null ? '' : runLink(proof.run),
        dueAt === null ? 'now' : moment(dueAt),
        [
          state === 'proven' ? 'proven' : strong(states[state]),
          why === null ? '' : `: ${why}`,
          ...(failed === null
            ? []
            : ['; ', strong(failed.outcome), ` on ${moment(failed.at)}: `, runLink(failed.run)]),
        ],
      ]),
    ),
  ]
}

const states = { overdue: 'overdue', never: 'never proven', blocked: 'cannot run' } as const

export const troublesAsBlocks = (all: readonly string[]): readonly Block[] =>
  all.length === 0 ? [] : [list(all.map((one) => strong(one)))]

export const runLink = (run: string): Inline => ({ link: runHref(run), label: code(run) })

/** To the minute: a list of backups is no stopwatch. */
export function age(at: string, now: Date): string {
  const seconds = (now.getTime() - Date.parse(at)) / 1000
  if (Number.isNaN(seconds)) return 'not known'
  if (seconds < 0) return 'in the future'
  if (seconds < 60) return 'under a minute'
  return duration(Math.floor(seconds / 60) * 60)
}
