import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { dataBackupIn } from '../data-project.ts'
import type { Row } from '../row.ts'

const bin = fileURLToPath(new URL('../../bin/runbook.js', import.meta.url))

/** The most that the process of the program held at a time, as the kernel counts it. */
export const memory: Row = {
  name: 'memory',
  title: 'Peak memory of the program',
  unit: 'MB',
  async prepare({ folder, quick }) {
    const sizes = quick ? [300, 1_200] : [800, 8_000]
    const reporter = join(folder, 'peak.mjs')
    writeFileSync(
      reporter,
      `import { writeFileSync } from 'node:fs'
if (process.argv[1] === ${JSON.stringify(bin)})
  process.on('exit', () => writeFileSync(process.env.PEAK, String(process.resourceUsage().maxRSS)))
`,
    )
    const peakOf = (project: string, ...args: readonly string[]): number => {
      const peak = join(folder, 'peak')
      const { status, stderr } = spawnSync(process.execPath, ['--import', reporter, bin, ...args], {
        cwd: project,
        env: { ...process.env, PEAK: peak },
        encoding: 'utf8',
      })
      if (status !== 0) throw new Error(`runbook ${args.join(' ')} ended with ${status}:\n${stderr}`)
      return Number(readFileSync(peak, 'utf8')) / 1000
    }
    const backups = sizes.map((files) => {
      const project = join(folder, String(files))
      mkdirSync(project, { mode: 0o700 })
      const size = dataBackupIn(project, files, 'tar.zst')
      return {
        name: `\`data-backup\` of ${size}`,
        once: async () => peakOf(project, 'run', 'data-backup'),
      }
    })
    return {
      rounds: quick ? 2 : 3,
      size: `from a start alone to ${sizes.length} sizes of data`,
      contestants: [
        {
          name: '`runbook run data-backup --dry-run`',
          once: async () => peakOf(join(folder, String(sizes[0])), 'run', 'data-backup', '--dry-run'),
        },
        ...backups,
      ],
    }
  },
}
