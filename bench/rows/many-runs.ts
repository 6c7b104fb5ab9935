import { join } from 'node:path'
import { addRuns } from '../full-journal.ts'
import { EmptyProject } from '../project.ts'
import type { Row } from '../row.ts'

/** Commands that list runs, with an empty journal and with one of many years. */
export const manyRuns: Row = {
  name: 'many-runs',
  title: 'Lists of runs in a journal of many',
  unit: 'ms',
  async prepare({ folder, quick }) {
    const count = quick ? 10_000 : 100_000
    const projects = await Promise.all(
      ['empty', 'full'].map(async (name) => {
        const project = new EmptyProject(join(folder, name))
        const one = project.add('look', 1)
        await project.runbook('run', one)
        return { name, project, one }
      }),
    )
    addRuns(join(folder, 'full', 'state'), count)
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
