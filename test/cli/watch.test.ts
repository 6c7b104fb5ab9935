import { readFile, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { jsonLines, Project } from '../fixtures/cli.ts'
import { eventually } from '../fixtures/eventually.ts'

let project: Project
vi.setConfig({ testTimeout: 60_000 })

beforeEach(async () => {
  project = await Project.make()
})
afterEach(() => project[Symbol.asyncDispose]())

/** Kills a run that has written one of three files. */
async function killed(policy: string): Promise<string> {
  const file = project.path('runbook.config.ts')
  const config = await readFile(file, 'utf8')
  const more = `watch: { policy: '${policy}' }, operators: { news: [{ by: 'command', command: ['sh', '-c', 'printf "%s\\\\n" "$NEWS_TEXT" >> told'] }] }`
  await writeFile(file, config.replace('settings: {} },\n    bare', `${more}, settings: {} },\n    bare`))
  const running = project.start(['run', 'three-files', '--wait-for', 'never'])
  // By then the journal has the outcome of the step before.
  await running.shows('[STARTED] Wait')
  running.child.kill('SIGKILL')
  await running.ended
  const [run] = jsonLines((await project.run(['history', '--json'])).out)
  return String(run?.['run'])
}
const told = async (): Promise<readonly string[]> =>
  (await readFile(project.path('told'), 'utf8')).split('\n').filter((line) => line !== '')
const outcome = async (): Promise<unknown> =>
  jsonLines((await project.run(['history', '--json'])).out)[0]?.['outcome']

test('a killed run is rolled back by the same code as the command, and people are told', async () => {
  const run = await killed('rollback')
  const { code, err } = await project.run(['watch', '--once'])
  expect(code, err).toBe(0)
  expect(err).toContain(`${run}: rolling it back`)
  expect(await outcome()).toBe('rolled-back')
  expect(await told()).toEqual([
    expect.stringContaining('is rolled back by the watch now'),
    expect.stringContaining('rolled back as requested'),
  ])
  await expect(readFile(project.path('world/one'))).rejects.toMatchObject({ code: 'ENOENT' })
})

test('without more in the configuration people are told once; who acknowledges is recorded', async () => {
  const run = await killed('tell')
  const configured = ['--config', 'runbook.config.ts']
  for (let look = 0; look < 2; look += 1)
    expect((await project.run([...configured, 'watch', '--once'])).code).toBe(0)
  const typed = 'runbook --config runbook.config.ts'
  expect(await told()).toEqual([
    expect.stringContaining(`Next: ${typed} resume ${run}, or: ${typed} rollback ${run}.`),
  ])
  const { code, out } = await project.run([...configured, 'ack', run, '--note', 'on my way'])
  expect([code, out.split('\n')]).toEqual([
    0,
    [
      `${run} is yours; nobody else is called.`,
      'Changed and not undone: Write one',
      'Look first:  runbook --config runbook.config.ts status',
      `Then:  runbook --config runbook.config.ts resume ${run}`,
      `Then:  runbook --config runbook.config.ts rollback ${run}`,
      '',
    ],
  ])
  const rolled = await project.run(['rollback', run])
  expect(rolled.code).toBe(0)
  expect((await project.run(['ack', run])).code).toBe(2)
  const folder = /^Evidence: (.+)$/m.exec(rolled.out)?.[1] ?? 'none'
  expect(await readFile(project.path(`${folder}/report.md`), 'utf8')).toContain('on my way')
})

test('a second watch is refused, or ends at once where that is asked for', async () => {
  let first = project.start(['watch'])
  try {
    await eventually(async () => {
      // It met the other command at its look, and was refused itself.
      if (first.child.exitCode !== null) first = project.start(['watch'])
      return (await project.run(['watch', '--once'])).code === 13
    }, 'the first watch holds its lock')
    expect((await project.run(['watch', '--unless-running'])).code).toBe(0)
  } finally {
    first.child.kill('SIGTERM')
  }
  expect((await first.ended).code).toBe(0)
})
