import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { shell, type Shell } from '../../src/adapters/process/shell.ts'
import { cronTimers } from '../../src/adapters/timers/cron.ts'
import { systemdTimers } from '../../src/adapters/timers/systemd.ts'
import { timersIn, withoutTimers } from '../../src/formats/crontab.ts'
import { timerPrograms } from '../fixtures/timer-programs.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { timersContract } from './timers.contract.ts'

/** Finds the stand-ins first. */
const standingIn = (bin: string): Pick<Shell, 'run'> => ({
  run: (call, scope) =>
    shell.run({ ...call, argv: [join(bin, call.argv[0] ?? ''), ...call.argv.slice(1)] }, scope),
})

timersContract('systemd', async () => {
  const programs = await timerPrograms()
  const folder = join(programs.folder, 'units')
  await mkdir(folder)
  await writeFile(join(folder, 'backup.timer'), '[Timer]\n')
  const read = (file: string) => readFile(join(folder, file), 'utf8').catch(() => null)
  return {
    ...programs,
    timers: systemdTimers({
      shell: standingIn(programs.bin),
      scope: watchedScope(),
      folder,
      user: true,
      environment: {},
    }),
    foreign: async () => (await read('backup.timer')) ?? '',
    definition: (name) => read(`${name}.service`),
  }
})

timersContract('cron', async () => {
  const programs = await timerPrograms()
  await writeFile(programs.crontab, '# nightly\n0 3 * * * backup 100\\%')
  const read = () => readFile(programs.crontab, 'utf8')
  return {
    ...programs,
    timers: cronTimers({ shell: standingIn(programs.bin), scope: watchedScope() }),
    foreign: async () => withoutTimers(await read(), timersIn(await read())).trimEnd(),
    definition: async (name) => {
      const lines = (await read()).split('\n')
      return lines[lines.findIndex((line) => line.startsWith(`# runbook timer ${name}:`)) + 1] ?? null
    },
  }
})

let programs: Awaited<ReturnType<typeof timerPrograms>>
beforeEach(async () => {
  programs = await timerPrograms()
})
afterEach(() => programs.close())

const timer = {
  name: 'runbook-shop-drills',
  about: 'runbook: a test',
  every: 'hour',
  argv: ['/usr/bin/true'],
  directory: '/srv/shop',
  environment: {},
  log: '/dev/null',
} as const

test('systemd stops a service that stays when it is removed, and restarts it when it is replaced', async () => {
  const timers = systemdTimers({
    shell: standingIn(programs.bin),
    scope: watchedScope(),
    folder: join(programs.folder, 'units'),
    user: false,
    environment: {},
  })
  await timers.install([{ ...timer, name: 'runbook-shop-watch', every: 'minute' }, timer])
  await timers.remove(['runbook-shop-watch', 'runbook-shop-drills'])
  expect((await programs.calls()).split('\n').filter((call) => call.includes('.service'))).toEqual([
    'restart --no-block runbook-shop-watch.service',
    'stop --no-block runbook-shop-watch.service',
  ])
})

test('systemd reads the units before it starts them, and says which are active', async () => {
  const timers = systemdTimers({
    shell: standingIn(programs.bin),
    scope: watchedScope(),
    folder: join(programs.folder, 'units'),
    user: false,
    environment: {},
  })
  await timers.install([timer])
  expect(await programs.calls()).toBe('daemon-reload\nenable --now runbook-shop-drills.timer\n')
  expect(await timers.installed('runbook-')).toMatchObject([{ active: true }])
  await timers.remove(['runbook-shop-drills'])
  expect(await programs.calls()).toMatch(/disable --now runbook-shop-drills.timer\ndaemon-reload\n$/)
})

test('a crontab that cannot be read is not replaced', async () => {
  await writeFile(programs.crontab, '0 3 * * * backup\n')
  await programs.breaks()
  const timers = cronTimers({ shell: standingIn(programs.bin), scope: watchedScope() })
  await expect(timers.install([timer])).rejects.toThrow('cannot read the crontab')
  expect(await readFile(programs.crontab, 'utf8')).toBe('0 3 * * * backup\n')
})
