import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { diskFiles } from '../../../src/adapters/disk/files.ts'
import { trustedKeys } from '../../../src/adapters/evidence/allowed-signers.ts'
import { DiskEvidence } from '../../../src/adapters/evidence/folder.ts'
import { verifyEvidence } from '../../../src/adapters/evidence/verify.ts'
import type { Files } from '../../../src/drivers/files.ts'
import { sha256 } from '../../../src/kernel/json.ts'
import { Redactor } from '../../../src/kernel/redact.ts'
import { failureOf } from '../../../src/kernel/errors.ts'
import { filesOf } from '../../../src/views/files.ts'
import { badRun, restoreLog } from '../../fixtures/runs.ts'
import { root } from '../../fixtures/requirements.ts'

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

describe.skipIf(!root())('a disk that is full', () => {
  let disk = ''
  beforeEach(() => {
    disk = join(place, 'disk')
    mkdirSync(disk)
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,nr_inodes=40,mode=700', 'tmpfs', disk])
  })
  afterEach(() => execFileSync('umount', [disk]))

  const fill = (left: number): void => {
    writeFileSync(join(disk, 'filler'), Buffer.alloc((256 << 10) - left - (8 << 10)))
  }

  it('ends a log where it ran out, says so, and leaves the rest of the run alone', async () => {
    const opened = await evidenceWith(diskFiles).open(join(disk, '3.10/run'))
    const log = await opened.log('01-stop')
    for (let count = 0; count < 100; count++) log.write(Buffer.alloc(10_000, 'x'))
    const kept = await log.finish()
    expect(kept?.problem).toBe('the log is incomplete: no space is left on its file system')
    const file = readFileSync(join(disk, '3.10/run/logs/01-stop.log'))
    expect([kept?.bytes, kept?.sha256]).toEqual([file.length, sha256(file)])
    expect(file.length).toBeGreaterThan(100_000)
  })

  it('does not take the pieces of a long log for lost, once there is room again', async () => {
    const limits = { head: 8 << 10, piece: 64 << 10 }
    const evidence = new DiskEvidence({
      state: join(place, 'state'),
      files: diskFiles,
      mask: new Redactor(),
      limits,
    })
    fill(120 << 10)
    const log = await (await evidence.open(join(disk, '3.10/run'))).log('01-stop')
    log.write(Buffer.alloc(300 << 10, 'x'))
    expect((await log.finish())?.problem).toContain('no space is left')
    rmSync(join(disk, 'filler'))
    const again = await (await evidence.open(join(disk, '3.10/run'))).log('01-stop')
    again.write(Buffer.from('and on'))
    const kept = await again.finish()
    expect(kept?.problem).toBeUndefined()
    expect(kept?.bytes).toBeGreaterThan(64 << 10)
    expect(readFileSync(join(disk, '3.10/run/logs/01-stop.log'), 'utf8').endsWith('xand on')).toBe(true)
    expect(readdirSync(join(disk, '3.10/run/logs'))).toEqual(['01-stop.log'])
  })

  it('is found before the run where there is no room for a folder', async () => {
    for (let count = 0; count < 60; count++) {
      try {
        writeFileSync(join(disk, `f${count}`), '')
      } catch {
        break
      }
    }
    await expect(evidenceWith(diskFiles).open(join(disk, '3.10/run'))).rejects.toMatchObject({
      code: 'preflight',
      hint: expect.stringContaining('make room'),
    })
  })

  it('does not lose how the run ended while it is sealed, and is sealed later to the same digest', async () => {
    const folder = join(disk, '3.10/run')
    await withLog(evidenceWith(diskFiles), folder)
    const whole = await (await evidenceWith(diskFiles).open(join(place, '3.10/run'))).log(restoreLog.name)
    whole.write(Buffer.from(restoreLog.text))
    await whole.finish()
    const digest = await (await evidenceWith(diskFiles).open(join(place, '3.10/run'))).seal(filesOf(badRun()))
    let tries = 0
    for (const left of [0, 4 << 10, 16 << 10, 32 << 10]) {
      fill(left)
      const failure = await (
        await evidenceWith(diskFiles).open(folder)
      )
        .seal(filesOf(badRun()))
        .then(() => null, failureOf)
      rmSync(join(disk, 'filler'))
      if (failure === null) continue
      tries += 1
      expect(failure).toMatchObject({
        code: 'failed',
        message: expect.stringContaining('no space is left'),
        hint: expect.stringContaining('make room'),
      })
      expect(readdirSync(folder).filter((name) => name.endsWith('.partial'))).toEqual([])
    }
    expect(tries).toBeGreaterThan(1)
    expect(await (await evidenceWith(diskFiles).open(folder)).seal(filesOf(badRun()))).toBe(digest)
    expect(await verified(folder)).toEqual([])
    expect(existsSync(join(folder, 'run.json')) && statSync(join(folder, 'run.json')).size > 0).toBe(true)
  })
})
