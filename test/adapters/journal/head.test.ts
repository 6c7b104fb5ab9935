import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HeadFile, headRecord, parseHead, readHead } from '../../../src/adapters/journal/head.ts'
import { sha256 } from '../../../src/kernel/json.ts'

const head = (seq: number) => ({ seq, hash: sha256(String(seq)) })

describe('the head of a run', () => {
  let folder: string
  let path: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'runbook-head-'))
    path = join(folder, 'one')
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const open = () => new HeadFile(path, 'one')

  it('is missing before the run, nothing at its beginning, and then the last that was written', () => {
    expect(readHead(path, 'one')).toBe('missing')
    const file = open()
    expect(readHead(path, 'one')).toBeNull()
    for (let seq = 0; seq < 5; seq += 1) {
      file.write(head(seq))
      expect(readHead(path, 'one')).toEqual(head(seq))
    }
    file.close()
    const again = open()
    expect(again.head).toEqual(head(4))
    again.write(head(5))
    again.close()
    expect(readHead(path, 'one')).toEqual(head(5))
  })

  it('never grows after it was made, so that a full disk cannot stop it, and is for our eyes alone', () => {
    const before = process.umask(0)
    const file = open()
    process.umask(before)
    const { size, blocks, mode } = statSync(path)
    for (let seq = 0; seq < 9; seq += 1) file.write({ seq: seq * 1e12, hash: sha256('x') })
    expect(statSync(path)).toMatchObject({ size, blocks })
    expect(mode & 0o777).toBe(0o600)
    file.close()
  })

  it('survives a write that was torn anywhere: the one before is still there', () => {
    const file = open()
    file.write(head(7))
    file.write(head(8))
    file.close()
    const before = readFileSync(path)
    const next = open()
    next.write(head(9))
    next.close()
    const after = readFileSync(path)
    const from = after.findIndex((byte, index) => byte !== before[index])
    for (let torn = 0; torn <= 512; torn += 1) {
      const at = Math.floor(from / 512) * 512
      writeFileSync(
        path,
        Buffer.concat([before.subarray(0, at), after.subarray(at, at + torn), before.subarray(at + torn)]),
      )
      expect([head(8), head(9)]).toContainEqual(readHead(path, 'one'))
    }
    // And it is the spoiled record, not the good one, that is written over next.
    writeFileSync(
      path,
      Buffer.concat([before.subarray(0, from), Buffer.alloc(8, 1), before.subarray(from + 8)]),
    )
    const repaired = open()
    repaired.write(head(9))
    repaired.close()
    const slots = [0, 4096].map((at) => parseHead(readFileSync(path).subarray(at, at + 512), 'one')?.seq)
    expect(slots.toSorted()).toEqual([8, 9])
  })

  it('is made whole where making it was cut short', () => {
    const file = open()
    file.close()
    for (const size of [0, 100, 4096, 4600]) {
      truncateSync(path, size)
      const again = open()
      expect(again.head).toBeNull()
      again.close()
      expect(statSync(path).size).toBe(4608)
    }
  })

  it('believes no record but its own run’s, to the letter', () => {
    const record = headRecord('one', head(3))
    expect(parseHead(record, 'one')).toEqual(head(3))
    expect(parseHead(record, 'two')).toBeNull()
    expect(parseHead(Buffer.alloc(512), 'one')).toBeNull()
    expect(parseHead(Buffer.from('runbook-head 1 one 3\n'), 'one')).toBeNull()
    const end = record.indexOf('\n')
    for (let at = 0; at <= end; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const flipped = Buffer.from(record)
        flipped[at] = (flipped[at] ?? 0) ^ (1 << bit)
        expect(parseHead(flipped, 'one')).toBeNull()
      }
    }
  })
})
