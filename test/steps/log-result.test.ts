import { expect, it } from 'vitest'
import { emptyDisk, fakeWorld, lay } from '../../src/testing/index.ts'
import { logResult } from '../../steps/records/log-result.ts'
import { handsOn, opened } from './hands.ts'

it('loses no line of another run that begins the same checklist in the same moment', async () => {
  const disk = emptyDisk()
  const file = '/artifacts/checklist.md'
  disk.folders.add('/artifacts')
  let begun = false
  disk.beforeChange = (_, path) => {
    if (path !== file || begun) return
    begun = true
    lay(disk, file, '| of another run |\n')
  }
  const { step, input } = opened(logResult({ checklist: file, about: 'a dump' }))
  const { io, look } = handsOn(fakeWorld({ disk }))
  if (step.effect !== 'change') throw new Error('it changes')
  const before = (await step.survey(look, input)) as never
  await step.run(io, { input, before })
  expect(begun).toBe(true)
  const text = Buffer.from(disk.files.get(file) ?? []).toString()
  expect(text).toContain('| of another run |\n')
  expect(text).toMatch(/\| a dump \|/)
  expect(await step.probe(look, { input, before, way: 'forward' })).toMatchObject({ is: 'done' })
})
