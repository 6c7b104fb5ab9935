import { spawnSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { jsonLines, Project } from '../fixtures/cli.ts'
import { timerPrograms } from '../fixtures/timer-programs.ts'

let project: Project
let programs: Awaited<ReturnType<typeof timerPrograms>>
beforeEach(async () => {
  project = await Project.make()
  programs = await timerPrograms()
})
afterEach(async () => {
  await project[Symbol.asyncDispose]()
  await programs.close()
})

const typed = (...args: readonly string[]) =>
  project.run(['schedule', ...args, '--with', 'cron'], { PATH: `${programs.bin}:${process.env['PATH']}` })
const names = /runbook-project-[a-z0-9-]+-[0-9a-f]{8}-(watch|drills|doctor)/g

test('timers are installed, shown and removed again', async () => {
  const before = await typed('show')
  expect([before.code, before.out]).toEqual([0, 'No timers. Install them:  runbook schedule install\n'])

  const installed = await typed('install', '--metrics', 'runbook.prom')
  expect([installed.code, installed.err]).toEqual([0, ''])
  expect(installed.out.replaceAll(names, 'NAME-$1')).toBe(
    'installed NAME-watch with cron, always: watch the runs\n' +
      'installed NAME-drills with cron, every hour: run the proofs that are due\n' +
      'installed NAME-doctor with cron, every day: look for what would stop a recovery\n',
  )
  const table = await readFile(programs.crontab, 'utf8')
  expect(table).toContain(`bin/runbook.js --config ${project.path('runbook.config.ts')} drills run >`)
  expect(table).toMatch(/\n\* \* \* \* \* .* for wait in 0 20 40; .* watch --unless-running; } >> /)
  expect(table).toContain(`doctor --all --metrics ${project.path('runbook.prom')} >`)

  const shown = await typed('show')
  expect(shown.out.replaceAll(names, 'NAME-$1')).toBe(
    'NAME-doctor  crontab\nNAME-drills  crontab\nNAME-watch  crontab\n',
  )
  expect((await typed('remove')).out.replaceAll(names, 'NAME-$1')).toBe(
    'removed NAME-doctor\nremoved NAME-drills\nremoved NAME-watch\n',
  )
  expect(await readFile(programs.crontab, 'utf8')).toBe('')
  expect((await typed('remove')).out).toBe('No timers.\n')
})

test('what cron starts, in its bare environment, runs what is due', async () => {
  const file = project.path('runbook.config.ts')
  const config = await readFile(file, 'utf8')
  await writeFile(
    file,
    config.replace("staging: './world'", "staging: './world', drills: { 'three-files': { every: '1d' } }"),
  )
  expect((await typed('install', '--target', 'here')).code).toBe(0)
  const table = await readFile(programs.crontab, 'utf8')
  const line = table.split('\n').find((one) => one.includes('drills run')) ?? ''
  const { status } = spawnSync('/bin/sh', ['-c', line.split(' ').slice(5).join(' ')], {
    env: { PATH: '/usr/bin:/bin', HOME: '/', SHELL: '/bin/sh' },
  })
  expect(status).toBe(0)
  const [run] = jsonLines((await project.run(['history', '--json'])).out)
  expect(run).toMatchObject({ runbook: 'three-files', story: 'drills', outcome: 'succeeded' })
})

test('secrets of the shell are not written down, and it says what the timers lack', async () => {
  const file = project.path('runbook.config.ts')
  const config = await readFile(file, 'utf8')
  await writeFile(
    file,
    config
      .replace('import { defineConfig }', 'import { defineConfig, secret }')
      .replace('settings: {} },\n  },', "operators: { announce: { url: secret('CHAT_WEBHOOK') } } },\n  },"),
  )
  const environment = {
    PATH: `${programs.bin}:${process.env['PATH']}`,
    CHAT_WEBHOOK: 'https://chat.example/T0K3N',
  }
  const { code, err } = await project.run(['schedule', 'install', '--with', 'cron'], environment)
  expect(code).toBe(0)
  expect(err).toContain(
    'the configuration reads CHAT_WEBHOOK: write them into a private file and add --env-file FILE',
  )
  expect(await readFile(programs.crontab, 'utf8')).not.toContain('T0K3N')

  await writeFile(project.path('timers.env'), 'CHAT_WEBHOOK=https://chat.example/T0K3N\n')
  const again = await typed('install', '--env-file', 'timers.env')
  expect([again.code, again.err]).toEqual([0, ''])
  expect(await readFile(programs.crontab, 'utf8')).toContain(`--env-file=${project.path('timers.env')} `)
  const missing = await typed('install', '--env-file', 'none.env')
  expect([missing.code, missing.err]).toEqual([2, expect.stringContaining('cannot read')])
})

test('a target that is not there, and a machine without timers, are refused before anything is written', async () => {
  const unknown = await typed('install', '--target', 'heer')
  expect([unknown.code, unknown.err]).toEqual([2, expect.stringContaining('here')])
  const { code, err } = await project.run(['schedule', 'install', '--with', 'cron'], { PATH: project.folder })
  expect([code, err]).toEqual([3, expect.stringContaining('crontab not found')])
  await expect(readFile(programs.crontab)).rejects.toThrow('ENOENT')
})

test('no timer is installed whose doctor could not write its metrics', async () => {
  const { code, err } = await typed('install', '--metrics', 'missing/runbook.prom')
  expect([code, err]).toEqual([
    2,
    expect.stringMatching(/cannot write \S+: the folder \S+missing does not exist/),
  ])
  expect((await typed('show')).out).toContain('No timers.')
})
