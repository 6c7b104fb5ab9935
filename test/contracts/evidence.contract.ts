import { beforeEach, describe, expect, it } from 'vitest'
import { sha256 } from '../../src/kernel/json.ts'
import type { Evidence } from '../../src/run/journal/evidence.ts'
import { filesOf } from '../../src/views/files.ts'
import { badRun, goodRun } from '../fixtures/runs.ts'

export interface EvidenceWorld {
  readonly evidence: Evidence
  /** Where a folder may be made. */
  readonly place: string
  /** As it lies there; null where nothing is. */
  content(folder: string, name: string): Promise<Uint8Array | null>
}

export function evidenceContract(kind: string, open: () => Promise<EvidenceWorld>): void {
  describe(`evidence ${kind}`, () => {
    let world: EvidenceWorld
    let folder: string
    beforeEach(async () => {
      world = await open()
      folder = `${world.place}/3.10/2026-02-03-x`
    })

    it('keeps the bytes of a log as they came', async () => {
      const opened = await world.evidence.open(folder)
      expect(opened.folder).toBe(folder)
      const log = await opened.log('01-stop')
      const bytes = Buffer.from([0, 0x1b, 0x5b, 0xff, 0xfe, 0x0d, 0x0a, 0xc3])
      log.write(bytes.subarray(0, 3))
      log.write(bytes.subarray(3))
      const file = await log.finish()
      expect(file).toEqual({ file: 'logs/01-stop.log', bytes: bytes.length, sha256: sha256(bytes) })
      expect(Buffer.from((await world.content(folder, 'logs/01-stop.log')) ?? []).equals(bytes)).toBe(true)
    })

    it('is discarded while it is empty, and otherwise stays', async () => {
      const opened = await world.evidence.open(folder)
      await opened.discard()
      const again = await world.evidence.open(folder)
      const log = await again.log('01-stop')
      log.write(Buffer.from('one\n'))
      await log.finish()
      await again.discard()
      expect(await world.content(folder, 'logs/01-stop.log')).not.toBeNull()
    })

    it('leaves no log where nothing was written', async () => {
      const log = await (await world.evidence.open(folder)).log('01-stop')
      expect(await log.finish()).toBeNull()
      expect(await world.content(folder, 'logs/01-stop.log')).toBeNull()
    })

    it('goes on with a log: in the next attempt, and in the next process', async () => {
      const first = await (await world.evidence.open(folder)).log('01-stop')
      first.write(Buffer.from('one\n'))
      const one = await first.finish()
      const again = await world.evidence.open(folder)
      const second = await again.log('01-stop')
      second.write(Buffer.from('two\n'))
      expect(await second.finish()).toEqual({
        file: 'logs/01-stop.log',
        bytes: 8,
        sha256: sha256('one\ntwo\n'),
      })
      expect(one).toEqual({ file: 'logs/01-stop.log', bytes: 4, sha256: sha256('one\n') })
      const silent = await again.log('01-stop')
      expect(await silent.finish()).toEqual({
        file: 'logs/01-stop.log',
        bytes: 8,
        sha256: sha256('one\ntwo\n'),
      })
    })

    it('lets several look at once and write into one log', async () => {
      const opened = await world.evidence.open(folder)
      const [one, other] = [await opened.log('01-stop'), await opened.log('01-stop')]
      one.write(Buffer.from('a'))
      other.write(Buffer.from('b'))
      await one.finish()
      other.write(Buffer.from('c'))
      expect(await other.finish()).toMatchObject({ bytes: 3, sha256: sha256('abc') })
    })

    it('seals the files as they were given', async () => {
      const opened = await world.evidence.open(folder)
      await opened.seal(filesOf(goodRun()))
      for (const { name, body } of filesOf(goodRun()))
        expect(Buffer.from((await world.content(folder, name)) ?? []).toString()).toBe(body)
    })

    it('takes its seal away before more is written, and can be sealed again', async () => {
      const opened = await world.evidence.open(folder)
      await opened.unseal()
      const digest = await opened.seal(filesOf(goodRun()))
      await opened.unseal()
      await opened.unseal()
      expect(await world.content(folder, 'statement.json')).toBeNull()
      expect(await world.content(folder, 'run.json')).not.toBeNull()
      expect(await opened.seal(filesOf(goodRun()))).toBe(digest)
    })

    it('gives the same digest when it seals the same again, in another process too', async () => {
      const opened = await world.evidence.open(folder)
      const log = await opened.log('01-stop')
      log.write(Buffer.from('x'))
      await log.finish()
      const digest = await opened.seal(filesOf(goodRun()))
      expect(digest).toMatch(/^[0-9a-f]{64}$/)
      expect(await opened.seal(filesOf(goodRun()))).toBe(digest)
      expect(await (await world.evidence.open(folder)).seal(filesOf(goodRun()))).toBe(digest)
    })

    it('gives another digest for another record, and for another log', async () => {
      const opened = await world.evidence.open(folder)
      const digests = [await opened.seal(filesOf(goodRun())), await opened.seal(filesOf(badRun()))]
      const log = await opened.log('01-stop')
      log.write(Buffer.from('x'))
      await log.finish()
      digests.push(await opened.seal(filesOf(badRun())))
      expect(new Set(digests).size).toBe(3)
    })

    it('keeps folders apart', async () => {
      const log = await (await world.evidence.open(folder)).log('01-stop')
      log.write(Buffer.from('x'))
      await log.finish()
      await world.evidence.open(`${folder}-2`)
      expect(await world.content(`${folder}-2`, 'logs/01-stop.log')).toBeNull()
    })
  })
}
