import { downOf } from '../../kernel/errors.ts'
import { preview } from '../../model/pending.ts'
import type { Planned, PlannedStep } from '../../model/plan.ts'
import { bringsOf } from '../../model/returned.ts'
import type { Finding } from '../../model/step.ts'

/** The steps that bring up what is down, by what it is. */
export type Bringers = ReadonlyMap<string, PlannedStep>

export function bringersIn({ plan, steps }: Planned): Bringers {
  const found = new Map<string, PlannedStep>()
  for (const planned of plan.steps) {
    const step = steps.get(planned.id)
    if (step === undefined || planned.phase === 'lastly') continue
    const input = preview(planned.input, () => undefined)
    for (const what of bringsOf(step, input)) if (!found.has(what)) found.set(what, planned)
  }
  return found
}

/** Their titles, for locks of what is down. */
export const bringingIn = (planned: Planned): ReadonlyMap<string, string> =>
  new Map([...bringersIn(planned)].map(([what, { title }]) => [what, title]))

/** The earlier step that brings up what made a look fail; null if the failure has another reason. */
export function bringerOf(
  bringers: Bringers,
  { steps }: Pick<Planned['plan'], 'steps'>,
  { id }: PlannedStep,
  thrown: unknown,
): PlannedStep | null {
  const step = bringers.get(downOf(thrown) ?? '')
  const position = (of: string): number => steps.findIndex((one) => one.id === of)
  return step !== undefined && position(step.id) < position(id) ? step : null
}

/** What a look that failed amounts to where an earlier step makes it possible. */
export const askedLater = (step: PlannedStep, thrown: unknown, why: string): Finding => ({
  level: 'warn',
  about: downOf(thrown) ?? step.title,
  problem: dependsOn(step),
  hint: `${why}; the run looks again when that step has succeeded`,
  after: step.id,
})

export const dependsOn = ({ title }: Pick<PlannedStep, 'title'>): string =>
  `not known yet: depends on "${title}"`
