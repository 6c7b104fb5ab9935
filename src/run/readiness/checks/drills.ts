import { systemOf } from '../../../model/target.ts'
import { Notebook, type Check } from '../check.ts'

/** How often each proof is due, as the runbooks say; and what proves the same. Days. */
const cadences: readonly {
  readonly drill: string
  readonly days: number
  readonly also: readonly string[]
}[] = [
  { drill: 'restore-test', days: 31, also: ['full-db-rollback'] },
  { drill: 'monthly-spot-restore', days: 31, also: ['quarterly-full-drill'] },
  { drill: 'quarterly-full-drill', days: 92, also: [] },
]

export const drills: Check = {
  id: 'drills',
  of: 'target',
  looksAt: 'Each drill that fits the target has succeeded within its interval.',
  run: async ({ target, plans, journal, clock }) => {
    const notes = new Notebook()
    if (journal.problem !== null) {
      notes.unchecked('drills', journal.problem.message)
      return notes.answer
    }
    const system = systemOf(target)
    for (const { drill, days, also } of cadences) {
      if (!plans.some(({ book }) => book.name === drill)) continue
      const proof = journal.runs.find(
        (line) =>
          line.system === system &&
          line.mode === 'run' &&
          line.outcome === 'succeeded' &&
          [drill, ...also].includes(line.runbook) &&
          !journal.damaged.has(line.run),
      )
      const command = `runbook run ${drill} --target ${target.name}`
      if (proof === undefined) {
        notes.warn(drill, `${drill} has never succeeded on ${target.name}`, `prove it: \`${command}\``)
        continue
      }
      const at = Date.parse(proof.startedAt)
      notes.fact(`${drill}: last proven ${proof.startedAt} by ${proof.run}`)
      notes.gauge({
        name: 'drill_last_success_timestamp_seconds',
        help: 'When the last run began that proved the same as the drill.',
        value: at / 1000,
        labels: { drill },
      })
      const age = (clock.now().getTime() - at) / 86_400_000
      if (age > days)
        notes.warn(
          drill,
          `${drill} is overdue: it last succeeded ${Math.floor(age)} days ago, and is due every ${days} days`,
          `prove it again: \`${command}\``,
        )
    }
    return notes.answer
  },
}
