import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addRuns } from '../../../bench/full-journal.ts'
import { EmptyProject } from '../../../bench/project.ts'
import { Served } from '../../../bench/served.ts'
import { programFile } from '../../fixtures/programs.ts'
import { program } from '../../fixtures/requirements.ts'

const count = 100_000

describe.skipIf(!program('chromium'))('pages beside a journal of 100,000 runs', () => {
  let folder: string
  let runbook: string
  let site: Served

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'runbook-many-'))
    const project = new EmptyProject(join(folder, 'project'))
    runbook = project.add('look', 1)
    await project.runbook('run', runbook)
    addRuns(join(project.folder, 'state'), count)
    site = await Served.open(project.folder, programFile('chromium'))
  })
  afterAll(async () => {
    await site?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  test('the newest run is found, and older ones by their names', async () => {
    const { text } = await site.visit('/targets/here')
    expect(text).toContain(runbook)
    const oldest = await site.visit(`/runs/20200101-000000-${'0'.repeat(7)}`)
    expect(oldest.text).toContain('2020-01-01')
  })

  test.each([
    ['overview', () => '/'],
    ['target', () => '/targets/here'],
    ['runbook', () => `/targets/here/runbooks/${runbook}`],
  ])('the %s is painted, and is not longer for it', async (_, path) => {
    const { text, painted } = await site.visit(path())
    expect(painted).toBeGreaterThan(0)
    expect(text.split('\n').length).toBeLessThan(1_000)
  })
})
