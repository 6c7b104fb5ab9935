import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { diskFiles } from '../../../src/adapters/disk/files.ts'
import { trustedKeys } from '../../../src/adapters/evidence/allowed-signers.ts'
import { DiskEvidence } from '../../../src/adapters/evidence/folder.ts'
import { verifyEvidence } from '../../../src/adapters/evidence/verify.ts'
import type { Files } from '../../../src/drivers/files.ts'
import { Redactor } from '../../../src/kernel/redact.ts'
import { failureOf } from '../../../src/kernel/errors.ts'
import { filesOf } from '../../../src/views/files.ts'
import { badRun, restoreLog } from '../../fixtures/runs.ts'

let place = ''
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'runbook-trouble-'))
})
afterEach(() => rmSync(place, { recursive: true, force: true }))

const evidenceWith = (files: Files): DiskEvidence =>
  new DiskEvidence({
    state: join(place, 'state'),
    files,
    mask: new Redactor(),
    limits: { head: 1 << 20, piece: 1 << 19 },
  })

const verified = async (folder: string): Promise<readonly string[]> => {
  const trusted = trustedKeys(readFileSync(join(place, 'state/allowed_signers'), 'utf8'), 'x')
  return (await verifyEvidence(folder, { trusted, filesOf })).map(({ reason, file }) => `${reason} ${file}`)
}

async function withLog(evidence: DiskEvidence, folder: string): Promise<void> {
  const log = await (await evidence.open(folder)).log(restoreLog.name)
  log.write(Buffer.from(restoreLog.text))
  await log.finish()
}

describe('a seal that is broken off', () => {
  it('never verifies half done, and gives the same digest when it is done again: at every write', async () => {
    const folder = join(place, 'artifacts/3.10/run')
    await withLog(evidenceWith(diskFiles), folder)
    const digest = await (await evidenceWith(diskFiles).open(folder)).seal(filesOf(badRun()))
    let broken = 0
    for (let at = 1; ; at++) {
      rmSync(folder, { recursive: true })
      await withLog(evidenceWith(diskFiles), folder)
      let writes = 0
      const failing: Files = {
        ...diskFiles,
        write: async (path, body) => {
          if (++writes === at) {
            // As a process leaves it that is killed in the midst of a write.
            writeFileSync(join(folder, '.0123456789ab.partial'), body.slice(0, 3))
            throw Object.assign(new Error('killed'), { code: 'EIO' })
          }
          await diskFiles.write(path, body)
        },
      }
      const opened = await evidenceWith(failing).open(folder)
      const ended = await opened.seal(filesOf(badRun())).then(() => 'sealed', failureOf)
      if (ended === 'sealed') break
      broken += 1
      expect(ended).toMatchObject({
        code: 'failed',
        message: expect.stringContaining('the outcome of the run is in the journal'),
        hint: expect.stringContaining('runbook resume'),
      })
      expect(await verified(folder)).not.toEqual([])
      expect(await (await evidenceWith(diskFiles).open(folder)).seal(filesOf(badRun()))).toBe(digest)
      expect(await verified(folder)).toEqual([])
    }
    expect(broken).toBe(9)
  })
})
