import { EmptyProject, timed } from '../project.ts'
import type { Row } from '../row.ts'

/** The start of the program beside that of Node, which it cannot be faster than. */
export const startUp: Row = {
  name: 'start-up',
  title: 'Start: from the command to its end',
  unit: 'ms',
  async prepare({ folder, quick }) {
    const project = new EmptyProject(folder)
    const ten = project.add('look', 10)
    return {
      rounds: quick ? 7 : 21,
      size: 'ten steps that look at nothing, compile cache warm',
      contestants: [
        { name: '`node -e 0`', once: () => timed(process.execPath, ['-e', '0'], folder) },
        { name: '`runbook --version`', once: () => project.runbook('--version') },
        {
          name: '`runbook list --target here`',
          once: () => project.runbook('list', '--target', 'here'),
        },
        { name: `\`runbook run ${ten} --dry-run\``, once: () => project.runbook('run', ten, '--dry-run') },
        { name: `\`runbook run ${ten}\``, once: () => project.runbook('run', ten) },
      ],
    }
  },
}
