import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { jsonLines, Project } from '../fixtures/cli.ts'

const config = `import { defineConfig } from 'runbook'

export default defineConfig({
  artifacts: './artifacts',
  state: './state',
  targets: {
    shop: { staging: './world', drills: { 'three-files': { every: '7d' }, 'three-file': { every: '7d' } } },
    bare: {},
  },
})
`

let project: Project
beforeEach(async () => {
  project = await Project.make()
  await writeFile(project.path('runbook.config.ts'), config)
})
afterEach(() => project[Symbol.asyncDispose]())

test('what is due, before and after it was proven', async () => {
  const before = await project.run(['drills', '--check'])
  expect([before.code, before.err]).toEqual([3, ''])
  expect(before.out).toContain('runbook run three-files --target shop')
  expect(before.out).toContain('three-file cannot run on shop: runbook not found')
  expect(before.out).toContain('No drill is due on bare')
  expect((await project.run(['drills'])).code).toBe(0)

  expect((await project.run(['run', 'three-files', '--target', 'shop'])).code).toBe(0)
  const after = await project.run(['drills', '--target', 'shop', '--json', '--check'])
  expect(after.code).toBe(3)
  expect(jsonLines(after.out)).toMatchObject([
    {
      event: 'drill',
      target: 'shop',
      drill: 'three-files',
      state: 'proven',
      proof: { runbook: 'three-files' },
    },
    { event: 'drill', target: 'shop', drill: 'three-file', state: 'blocked', dueAt: null },
    { event: 'result', exit: 3, due: 1 },
  ])
})

test('a timer runs what is due, under its story, and then nothing', async () => {
  expect((await project.run(['drills', 'run'])).code).toBe(0)
  const [line] = jsonLines((await project.run(['history', '--json'])).out)
  expect(line).toMatchObject({
    runbook: 'three-files',
    target: 'shop',
    story: 'drills',
    outcome: 'succeeded',
  })
  const second = await project.run(['drills', 'run'])
  expect([second.code, second.out]).toEqual([0, 'No proof is due.\n'])
  expect(jsonLines((await project.run(['history', '--json'])).out)).toHaveLength(1)
})

test('a proof that fails gives the exit code, is shown, and is not tried again at once', async () => {
  await writeFile(project.path('world'), 'a file where the folder should be')
  const failed = await project.run(['drills', 'run', '--story', 'nights'])
  expect(failed.code).not.toBe(0)
  const { out } = await project.run(['drills'])
  expect(out).toMatch(/shop +three-files .*; (rolled-back|refused|needs-human) on /)
  expect((await project.run(['drills', 'run'])).out).toBe('No proof is due.\n')
})

test('a target that is in use puts its proof off, which is no error and due the next time', async () => {
  await mkdir(project.path('world'))
  const text = await readFile(project.path('runbooks/three-files.ts'), 'utf8')
  await writeFile(project.path('runbooks/other.ts'), text.replace("'three-files'", "'other'"))
  const running = project.start(['run', 'other', '--target', 'shop', '--wait-for', 'gate'])
  await running.shows('waiting for gate')
  const second = await project.run(['drills', 'run'])
  expect(second.err).toContain('three-files on shop is put off: the target is in use\n')
  expect(second.code).toBe(0)
  await writeFile(project.path('world/gate'), '')
  expect((await running.ended).code).toBe(0)
  expect((await project.run(['drills', '--target', 'shop'])).out).toMatch(/three-files .* never proven/)
  expect((await project.run(['drills', 'run'])).code).toBe(0)
  const runs = jsonLines((await project.run(['history', '--json'])).out)
  expect(runs.map(({ runbook }) => runbook)).toEqual(['three-files', 'other'])
})

test('an interval that is no duration is refused', async () => {
  await writeFile(project.path('runbook.config.ts'), config.replace("'7d'", "'weekly'"))
  const { code, err } = await project.run(['drills'])
  expect(code).toBe(2)
  expect(err).toContain('is not a duration')
})
