import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { jsonLines, Project } from '../fixtures/cli.ts'

let project: Project
beforeEach(async () => {
  project = await Project.make()
})
afterEach(() => project[Symbol.asyncDispose]())

/** For the runbook that has a secret as a parameter. */
const TEST_PASSWORD = 'open sesame, please'
const doctor = (...flags: readonly string[]) => project.run(['doctor', ...flags], { TEST_PASSWORD })

test('looks at everything and creates nothing, neither a journal nor a key', async () => {
  const { code, out, err } = await doctor('--target', 'here')
  expect(err).toBe('')
  expect(code).toBe(0)
  expect(out).toContain('✔ journal: 0 runs')
  expect(out).toContain('no key yet; the first run creates it')
  expect(out).toMatch(/^(No problems found|\d+ warnings?).*\.$/m)
  expect(existsSync(project.path('state'))).toBe(false)
  expect(existsSync(project.path('artifacts'))).toBe(false)
})

test('an open run: exit 3, what to type, and the same as JSON and as metrics', async () => {
  await mkdir(project.path('world'))
  await writeFile(project.path('world/stubborn'), '')
  expect((await project.run(['run', 'three-files', '--must-exist', '/nowhere'])).code).toBe(11)
  const { code, out } = await doctor('--json', '--metrics', 'runbook.prom')
  expect(code).toBe(3)
  const lines = jsonLines(out)
  expect(lines.at(-1)).toMatchObject({ event: 'result', exit: 3, problems: 1 })
  expect(lines.find(({ check }) => check === 'runs')).toMatchObject({
    event: 'check',
    target: 'here',
    findings: [{ level: 'refuse', hint: expect.stringContaining('runbook rollback') }],
  })
  const metrics = project.path('runbook.prom')
  const text = await readFile(metrics, 'utf8')
  expect(text).toContain(
    '# HELP runbook_doctor_last_run_timestamp_seconds When the doctor last looked.\n# TYPE runbook_doctor_last_run_timestamp_seconds gauge\n',
  )
  expect(text).toContain('runbook_doctor_problems{target="here",check="runs"} 1\n')
  expect(text).toContain('runbook_open_runs{target="here"} 1\n')
  expect((await stat(metrics)).mode & 0o777).toBe(0o644)
})

test('all targets, and warnings count where they are asked to', async () => {
  const all = await doctor('--all', '--json')
  const targets = new Set(jsonLines(all.out).map(({ target }) => target))
  expect([...targets]).toEqual([null, 'here', 'bare', undefined])
  expect((await doctor('--all', '--target', 'here')).code).toBe(2)
})

test('a secret that is a parameter is missing: its name, and never its value', async () => {
  const { code, out } = await project.run(['doctor'])
  expect(code).toBe(3)
  expect(out).toContain('secret password is not available: variable TEST_PASSWORD is missing')
  expect((await doctor()).out).not.toContain(TEST_PASSWORD)
})

test.each([
  ['missing/runbook.prom', /the folder \S+missing does not exist\n\s*hint: .*mkdir -p \S+missing/],
  ['a-file/runbook.prom', /a-file is not a folder\n/],
  ['state', /it is a folder\n/],
])('metrics that cannot be written to %s are refused before anything is looked at', async (file, why) => {
  await writeFile(project.path('a-file'), '')
  await mkdir(project.path('state'))
  const { code, out, err } = await doctor('--metrics', file)
  expect([code, out]).toEqual([2, ''])
  expect(err).toMatch(/^error: cannot write \S+: /)
  expect(err).toMatch(why)
  expect(existsSync(project.path('missing'))).toBe(false)
})
