import { execFileSync, spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { shell } from '../../src/adapters/process/shell.ts'
import { cronTimers } from '../../src/adapters/timers/cron.ts'
import { timersIn, withoutTimers } from '../../src/formats/crontab.ts'
import { unitsOf } from '../../src/formats/systemd-unit.ts'
import { canMount, program } from '../fixtures/requirements.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { timersContract } from './timers.contract.ts'

/** The crontabs of the machine are those of its users, so the real program sees a folder of the test in their place. */
describe.skipIf(!program('crontab') || !canMount())('the real crontab', () => {
  timersContract('cron of Debian', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'crontab-'))
    const [tables, wrapper, broken] = ['tables', 'crontab', 'broken'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    await mkdir(tables)
    await writeFile(
      wrapper,
      `#!/bin/sh\n[ ! -e '${broken}' ] || exec crontab --none\nexec unshare --mount sh -c 'mount --bind ${tables} /var/spool/cron/crontabs && exec crontab "$@"' sh "$@"\n`,
    )
    await chmod(wrapper, 0o755)
    const read = () => execFileSync(wrapper, ['-l'], { encoding: 'utf8' })
    execFileSync(wrapper, ['-'], { input: '# nightly\n0 3 * * * backup 100\\%\n' })
    return {
      folder,
      timers: cronTimers({
        shell: {
          run: (call, scope) => shell.run({ ...call, argv: [wrapper, ...call.argv.slice(1)] }, scope),
        },
        scope: watchedScope(),
      }),
      foreign: async () => withoutTimers(read(), timersIn(read())),
      definition: async (name) => {
        const lines = read().split('\n')
        return lines[lines.findIndex((line) => line.startsWith(`# runbook timer ${name}:`)) + 1] ?? null
      },
      breaks: () => writeFile(broken, ''),
      close: () => rm(folder, { recursive: true, force: true }),
    }
  })
})

test.skipIf(!program('systemd-analyze'))(
  'systemd accepts the units, and reads the command as it was meant',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'units-'))
    try {
      const units = unitsOf({
        name: 'runbook-shop-drills',
        about: 'runbook: a test',
        every: 'day',
        argv: ['/bin/sh', '-c', 'exit 0', "it's 50% $HOME"],
        directory: '/tmp',
        environment: { PATH: '/usr/bin:/bin', LABEL: 'a "b" 5% $c' },
        log: '/dev/null',
      })
      for (const [file, text] of units) await writeFile(join(folder, file), text)
      const { status, stderr } = spawnSync(
        'systemd-analyze',
        [
          'verify',
          '--man=no',
          ...['timer', 'service'].map((kind) => join(folder, `runbook-shop-drills.${kind}`)),
        ],
        { encoding: 'utf8' },
      )
      expect([status, stderr]).toEqual([0, ''])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
)
