import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { jsonLines, Project } from '../fixtures/cli.ts'

let project: Project
beforeAll(async () => {
  project = await Project.make()
})
afterAll(() => project[Symbol.asyncDispose]())

describe('evidence', () => {
  test('of a run is shown, and holds until somebody changes it: exit 14', async () => {
    const { out } = await project.run(['run', 'three-files', '--story', 'e1', '--json'])
    const { run, folder } = jsonLines(out).at(-1) as { readonly run: string; readonly folder: string }
    expect((await project.run(['evidence', 'show', run])).out).toContain('# Three files: succeeded')
    expect((await project.run(['evidence', 'verify', run])).out).toBe(`Verified: ${folder}\n`)
    const index = await project.run(['evidence', 'story', 'e1'])
    expect(await readFile(index.out.trim(), 'utf8')).toContain('1 run, 1 verified.')
    await writeFile(`${folder}/report.md`, 'all is well')
    const { code, out: told, err } = await project.run(['evidence', 'verify', folder])
    expect(told).toContain('report.md')
    expect(err).toContain(`evidence in ${folder} failed verification: `)
    expect(code).toBe(14)
  })
})
