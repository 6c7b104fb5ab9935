import { describe, expect, it } from 'vitest'
import { FakeEvidence } from '../../src/testing/evidence.ts'
import { filesOf } from '../../src/views/files.ts'
import { goodRun } from '../fixtures/runs.ts'
import { evidenceContract } from './evidence.contract.ts'

evidenceContract('in memory', async () => {
  const evidence = new FakeEvidence()
  return {
    evidence,
    place: '/evidence',
    content: async (folder, name) => evidence.folders.get(folder)?.get(name) ?? null,
  }
})

describe('evidence in memory', () => {
  it('fails where a test wants it to', async () => {
    const evidence = new FakeEvidence()
    const folder = await evidence.open('/e')
    Object.assign(evidence.faults, { open: true, log: true, seal: true })
    await expect(evidence.open('/e')).rejects.toMatchObject({ code: 'preflight' })
    const log = await folder.log('01-stop')
    log.write(Buffer.from('x'))
    expect(await log.finish()).toMatchObject({ bytes: 0, problem: expect.stringContaining('no space') })
    await expect(folder.seal(filesOf(goodRun()))).rejects.toMatchObject({
      code: 'failed',
      hint: expect.any(String),
    })
  })
})
