import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { diskFiles } from '../../../src/adapters/disk/files.ts'
import { fingerprint, publicBlob } from '../../../src/adapters/evidence/ed25519.ts'
import { manifestSeal } from '../../../src/adapters/evidence/manifest-seal.ts'
import { signingKey } from '../../../src/adapters/evidence/signing-key.ts'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'runbook-seal-'))
})
afterEach(() => rmSync(root, { recursive: true }))

const payload = Buffer.from('{"what":"a manifest"}\n')
const signedAt = Date.parse('2026-02-03T04:15:56Z')
const sealOf = (machine: string) => manifestSeal(join(root, machine), diskFiles)
const list = (machine: string): string => join(root, machine, 'allowed_signers')

describe('the seal of manifests', () => {
  it('is that of the evidence: one key, one list', async () => {
    const seal = sealOf('one')
    const signature = await seal.sign(payload)
    const key = fingerprint(publicBlob(await signingKey(join(root, 'one'), diskFiles)))
    expect(await seal.check(payload, signature, signedAt)).toEqual({ key })
  })

  it('of another machine counts once its line is in the list', async () => {
    const signature = await sealOf('one').sign(payload)
    await sealOf('two').sign(payload)
    expect(await sealOf('two').check(payload, signature, signedAt)).toEqual({
      refused: expect.stringContaining('key that is not trusted'),
      hint: expect.stringContaining(list('two')),
      untrusted: true,
    })
    writeFileSync(list('two'), readFileSync(list('two'), 'utf8') + readFileSync(list('one'), 'utf8'))
    expect(await sealOf('two').check(payload, signature, signedAt)).toHaveProperty('key')
  })

  it('does not count for other bytes, for a time at which the key was not valid, or where it is damaged', async () => {
    const seal = sealOf('one')
    const signature = await seal.sign(payload)
    const refused = (words: string) => ({
      refused: expect.stringContaining(words),
      hint: expect.any(String),
      untrusted: false,
    })
    expect(await seal.check(Buffer.from('{}'), signature, signedAt)).toEqual(
      refused('signature does not match'),
    )
    expect(await seal.check(payload, signature.slice(0, 100), signedAt)).toEqual(
      refused('not a valid signature'),
    )
    const line = readFileSync(list('one'), 'utf8')
    writeFileSync(list('one'), line.replace(' namespaces=', ' valid-before="20260203Z",namespaces='))
    expect(await seal.check(payload, signature, signedAt)).toEqual(refused('no longer valid'))
    expect(await seal.check(payload, signature, Date.parse('2026-02-02T00:00:00Z'))).toHaveProperty('key')
  })

  it('cannot be checked without a list of keys: exit 2, with the cure', async () => {
    const signature = await sealOf('one').sign(payload)
    await expect(sealOf('three').check(payload, signature, signedAt)).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('cannot verify manifests of backups'),
      hint: expect.stringContaining(list('three')),
    })
  })
})
