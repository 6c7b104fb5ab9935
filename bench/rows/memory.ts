import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
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
    // Of zeros, which take no room in the folder; reading and restoring it is the same work as for any other.
    const largeFiles = (quick ? [1] : [1, 10]).map((gibibytes) => {
      const project = join(folder, `${gibibytes}-gib`)
      mkdirSync(project, { mode: 0o700 })
      dataBackupIn(project, 100, 'tar.zst')
      const large = join(project, 'live', 'large')
      writeFileSync(large, '', { mode: 0o600 })
      truncateSync(large, gibibytes * 1024 ** 3)
      return {
        name: `\`data-backup\` of one file of ${gibibytes} GiB`,
        once: async () => peakOf(project, 'run', 'data-backup'),
      }
    })
    return {
      rounds: quick ? 2 : 3,
      size: 'from a start alone to several sizes of data, which is packed, restored and read back',
      contestants: [
        {
          name: '`runbook run data-backup --dry-run`',
          once: async () => peakOf(join(folder, String(sizes[0])), 'run', 'data-backup', '--dry-run'),
        },
        ...backups,
        ...largeFiles,
      ],
    }
  },
}
