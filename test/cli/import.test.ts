import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Project } from '../fixtures/cli.ts'

let project: Project
beforeAll(async () => {
  project = await Project.make()
})
afterAll(() => project[Symbol.asyncDispose]())

test('reports on a document without reading the configuration', async () => {
  await writeFile(project.path('old.md'), '# Restore\n\nRun `docker compose down -v`.\n')
  const { code, out, err } = await project.run(['--config', 'other.ts', 'import', 'old.md'])
  expect(err).toBe('')
  expect(code).toBe(0)
  expect(out).toContain('- line 3, volumes-removed: `docker compose down -v`\n')
  expect(out).toContain('| 3 | `docker compose down -v` | step stopServices |\n')
})

test('a document that cannot be read is an error of usage', async () => {
  const { code, err } = await project.run(['import', 'missing.md'])
  expect(code).toBe(2)
  expect(err).toContain('cannot read missing.md')
  expect(err).toContain('hint: check: ls -l missing.md')
})
