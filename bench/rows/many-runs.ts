import { emptyAndFull } from '../full-journal.ts'
import type { Row } from '../row.ts'

/** Commands that list runs, with an empty journal and with one of many years. */
export const manyRuns: Row = {
  name: 'many-runs',
  title: 'Lists of runs in a journal of many',
  unit: 'ms',
  async prepare({ folder, quick }) {
    const count = quick ? 10_000 : 100_000
    const projects = await emptyAndFull(folder, count)
    return {
      rounds: quick ? 3 : 9,
      size: `${count.toLocaleString('en')} runs of 3 entries`,
      contestants: projects.flatMap(({ name, project, one }) => [
        { name: `\`status\`, ${name}`, once: () => project.runbook('status') },
        { name: `\`history\`, ${name}`, once: () => project.runbook('history') },
        { name: `\`resume\`, ${name}, nothing open`, once: () => project.refused('resume') },
        { name: `\`run\`, ${name}`, once: () => project.runbook('run', one) },
      ]),
    }
  },
}
