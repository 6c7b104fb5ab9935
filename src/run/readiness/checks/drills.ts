import { failureOf } from '../../../kernel/errors.ts'
import { Notebook, type Check, type Subject } from '../check.ts'
import { drillCalendar } from '../drill-calendar.ts'
import { drillGauges } from '../gauges.ts'

export const drills: Check = {
  id: 'drills',
  of: 'target',
  looksAt: 'Each drill that is due on the target has succeeded within its interval.',
  run: async (subject) => {
    const { target, journal, clock } = subject
    const notes = new Notebook()
    if (journal.problem !== null) {
      notes.unchecked('drills', journal.problem.message)
      return notes.answer
    }
    const now = clock.now()
    for (const standing of await drillCalendar(target, whyNotOn(subject), journal, now)) {
      const { drill, everySeconds, proof, state, why } = standing
      for (const gauge of drillGauges(standing)) notes.gauge(gauge)
      const command = `runbook run ${drill} --target ${target.name}`
      if (proof !== null) notes.fact(`${drill}: last proven ${proof.at} by ${proof.run}`)
      if (state === 'blocked')
        notes.warn(
          drill,
          `the drill ${drill} is due, and cannot run: ${why}`,
          `correct \`drills\` of ${target.name}; \`runbook list --target ${target.name}\` shows what fits`,
        )
      if (state === 'never')
        notes.warn(drill, `${drill} has never succeeded on ${target.name}`, `prove it: \`${command}\``)
      if (state === 'overdue' && proof !== null)
        notes.warn(
          drill,
          `${drill} is overdue: it last succeeded ${days(now.getTime() - Date.parse(proof.at))} ago, and is due every ${days(everySeconds * 1000)}`,
          `prove it again: \`${command}\``,
        )
    }
    return notes.answer
  },
}

const whyNotOn =
  ({ plans, unplannable }: Subject) =>
  (drill: string): string | null => {
    if (plans.some(({ book }) => book.name === drill)) return null
    const broken = unplannable.find(({ runbook }) => runbook === drill)
    return broken === undefined
      ? 'there is no such runbook, or the target lacks sections that it needs'
      : failureOf(broken.thrown).message
  }

function days(milliseconds: number): string {
  const whole = Math.floor(milliseconds / 86_400_000)
  if (whole > 0) return `${whole} ${whole === 1 ? 'day' : 'days'}`
  const hours = Math.floor(milliseconds / 3_600_000)
  return `${hours} ${hours === 1 ? 'hour' : 'hours'}`
}
