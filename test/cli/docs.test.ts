import { readdir, readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Project } from '../fixtures/cli.ts'

let project: Project
beforeAll(async () => {
  project = await Project.make()
})
afterAll(() => project[Symbol.asyncDispose]())

const read = (path: string): Promise<string> => readFile(project.path(path), 'utf8')

test('every runbook that fits a target has a document, and the index lists it with when to use it', async () => {
  const { code, out, err } = await project.run(['docs', '--out', 'paper'])
  expect(err).toBe('')
  expect(code).toBe(0)
  const written = await readdir(project.path('paper'), { recursive: true })
  const index = await read('paper/README.md')
  const linked = [...index.matchAll(/\]\(([^)]+)\)/g)].map(([, path = '']) => path)
  expect(linked).toContain('here/three-files.md')
  // `three-files` needs a section that this target lacks.
  expect(linked).not.toContain('bare/three-files.md')
  expect([...written].filter((path) => path.endsWith('.md') && path !== 'README.md').sort()).toEqual(
    [...linked].sort(),
  )
  expect(out).toBe(`Wrote ${linked.length} documents and their index: paper/README.md\n`)
  expect(index).toContain('| [three-files](here/three-files.md) | A test needs three files. |')

  const page = await read('paper/here/three-files.md')
  const { out: shown } = await project.run([
    'show',
    'three-files',
    '--target',
    'here',
    '--format',
    'markdown',
  ])
  for (const line of shown.split('\n').filter((text) => text.startsWith('1. ') || text.startsWith('| `--')))
    expect(page).toContain(line)
  expect(page).toContain('# Three files\n')
})

test('for one target, and again', async () => {
  for (let time = 0; time < 2; time += 1)
    expect((await project.run(['docs', '--out', 'one', '--target', 'bare'])).code).toBe(0)
  expect((await readdir(project.path('one'))).sort()).toEqual(['README.md', 'bare'])
})

test.each([[['docs', '--out', 'a-file/x']], [['import', 'procedure.md', '--out', 'a-file/x']]])(
  'a place that cannot be written is named, and is no bug: %j',
  async (args) => {
    await writeFile(project.path('a-file'), '')
    await writeFile(project.path('procedure.md'), '# Back\n\n```sh\ndocker compose stop web\n```\n')
    const { code, err } = await project.run(args)
    expect([code, err]).toEqual([2, expect.stringMatching(/^error: cannot write \S+a-file\/x\S+: /)])
    expect(err).toMatch(/hint: check: namei -l \S+a-file\/x/)
  },
)

test.each([
  [['docs'], "required option '--out <folder>' not specified"],
  [['docs', '--out', 'x', '--target', 'bear'], 'did you mean "bare"?'],
])('%j is refused', async (args, message) => {
  const { code, err } = await project.run(args)
  expect(code).toBe(2)
  expect(err).toContain(message)
})
