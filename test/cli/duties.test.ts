import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Project } from '../fixtures/cli.ts'

let project: Project
beforeEach(async () => {
  project = await Project.make()
  await writeFile(
    project.path('runbooks/handed-over.ts'),
    `
import { runbook } from 'runbook'
import { duty } from 'runbook/steps'
import { writeFile } from '../steps/files.ts'

export default runbook('handed-over', { title: 'Handed over', when: 'A test needs people.', needs: ['staging'], params: {} }, ({ target, step }) => {
  step('Tell everybody', duty({ name: 'tell-everybody', what: 'Tell everybody that the shop closes.', who: 'on-call engineer' }))
  step('Stop traffic', duty({ name: 'stop-traffic', what: 'Take the shop out of the load balancer.', required: true }))
  step('Write one', writeFile({ folder: target.staging, name: 'one', text: 'x' }))
  step('Open again', duty({ name: 'open-again', what: 'Put the shop back.' }))
})
`,
  )
})
afterEach(() => project[Symbol.asyncDispose]())

const evidence = async (name: string): Promise<string> => {
  const [folder = ''] = await readdir(project.path('artifacts/_'))
  return readFile(project.path(join('artifacts/_', folder, name)), 'utf8')
}

test('every duty that nobody answers is found before anything is touched, with what to type', async () => {
  const { code, out } = await project.run(['run', 'handed-over', '--answer', 'open-again=is open'])
  expect(code).toBe(3)
  expect(out).toContain(
    'no terminal to ask for the duty tell-everybody: Tell everybody that the shop closes.',
  )
  expect(out).toContain(
    "hint: add --answer tell-everybody='what was done' or --skip tell-everybody='why not'",
  )
  expect(out).toContain("hint: add --answer stop-traffic='what was done'; it cannot be skipped")
  expect(out).not.toContain('open-again')
  expect((await project.run(['run', 'handed-over', '--yes', '--confirm', 'x'])).code).toBe(3)
  expect(await project.effects()).toEqual([])
})

test('answers and reasons stand in the evidence: who, when, what', async () => {
  const { code } = await project.run([
    'run',
    'handed-over',
    '--answer',
    'stop-traffic=drained at 04:12, a=b',
    '--skip',
    'tell-everybody=nobody is awake',
    '--answer',
    'open-again=open',
  ])
  expect(code).toBe(0)
  const report = await evidence('report.md')
  expect(report).toContain('## Duties')
  expect(report).toMatch(
    /\| Tell everybody \| `?tell-everybody`? \| \*\*skipped\*\* \| .+ \| .+ \| `?flag`? \| `?nobody is awake`? \|/,
  )
  expect(report).toMatch(/\| Stop traffic \| `?stop-traffic`? \| done \| .+drained at 04:12, a=b/)
  expect(await evidence('junit.xml')).toContain('<property name="duty.outcome" value="skipped"/>')
  expect(JSON.parse(await evidence('run.json')).steps[1].output).toMatchObject({
    name: 'stop-traffic',
    outcome: 'done',
    how: 'flag',
    text: 'drained at 04:12, a=b',
  })
  const [folder = ''] = await readdir(project.path('artifacts/_'))
  expect((await project.run(['evidence', 'verify', join('artifacts/_', folder)])).code).toBe(0)
})

test.each([
  [['--answer', 'stop-trafic=x'], 'duty "stop-trafic" not found; did you mean "stop-traffic"?'],
  [['--answer', 'stop-traffic'], '--answer "stop-traffic" is not NAME=TEXT'],
  [['--skip', 'stop-traffic= '], 'is not NAME=REASON'],
  [['--answer', 'open-again=x', '--skip', 'open-again=y'], 'duty open-again is answered twice'],
])('%j is a mistake, told at once', async (flags, says) => {
  const { code, err } = await project.run(['run', 'handed-over', ...flags])
  expect(code).toBe(2)
  expect(err).toContain(says)
})

test('a dry run says what people will be asked', async () => {
  const { out } = await project.run(['run', 'handed-over', '--dry-run'])
  expect(out).toContain(
    'People will be asked:\n  - Asks on-call engineer: Tell everybody that the shop closes. (tell-everybody).',
  )
})

test('at a terminal they are asked when their turn comes; a skip wants its reason', async () => {
  const running = project.atTerminal(['run', 'handed-over'])
  await running.shows('Tell everybody that the shop closes.')
  running.type('skip\r')
  await running.shows('Wrong answer, 2 tries left.')
  running.type('skip: a drill\r')
  await running.shows('it cannot be skipped')
  running.type('drained\r')
  await running.shows('Put the shop back.')
  // Ctrl-C leaves it open; without an answer it is not taken up, and nothing goes back.
  running.type('\u0003')
  expect((await running.ended).code).toBe(130)
  const refused = await project.run(['resume'])
  expect(refused.code).toBe(3)
  expect(refused.err).toContain("add --answer open-again='what was done' or --skip open-again='why not'")
  expect(await project.effects()).toEqual(['+one'])
  expect((await project.run(['resume', '--answer', 'open-again=open'])).code).toBe(0)
  expect(await project.effects()).toEqual(['+one'])
})

test('a resume takes the answer to a duty by the name that it has in the run', async () => {
  const answers = ['tell-everybody', 'stop-traffic'].flatMap((name) => ['--answer', `${name}=done`])
  const running = project.atTerminal(['run', 'handed-over', ...answers])
  await running.shows('Put the shop back.')
  running.type('\u0003')
  expect((await running.ended).code).toBe(130)
  const file = project.path('runbooks/handed-over.ts')
  await writeFile(
    file,
    (await readFile(file, 'utf8')).replace("name: 'open-again'", "name: 'open-once-more'"),
  )
  const other = await project.run(['resume', '--accept-changes', '--answer', 'open-once-more=open'])
  expect(other.code).toBe(2)
  expect(other.err).toContain('duty "open-once-more" not found')
  expect((await project.run(['resume', '--accept-changes', '--answer', 'open-again=open'])).code).toBe(0)
})
