import { generateKeyPairSync } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { diskFiles } from '../../../src/adapters/disk/files.ts'
import { signerLine, trustedKeys } from '../../../src/adapters/evidence/allowed-signers.ts'
import { publicBlob } from '../../../src/adapters/evidence/ed25519.ts'
import { signingKey } from '../../../src/adapters/evidence/signing-key.ts'

let state = ''
beforeEach(() => {
  state = join(mkdtempSync(join(tmpdir(), 'runbook-key-')), 'state')
})
afterEach(() => rmSync(join(state, '..'), { recursive: true }))

const file = (name: string): string => join(state, name)
const key = async (): Promise<string> => publicBlob(await signingKey(state, diskFiles)).toString('base64')

describe('the key that evidence is signed with', () => {
  it('is made once, and only we can read it', async () => {
    expect(await key()).toBe(await key())
    expect(statSync(file('evidence-key.pem')).mode & 0o777).toBe(0o600)
    expect(readFileSync(file('evidence-key.pub'), 'utf8')).toBe(
      `ssh-ed25519 ${await key()} runbook-evidence\n`,
    )
    expect(trustedKeys(readFileSync(file('allowed_signers'), 'utf8'), 'x')).toHaveLength(1)
  })

  it('is one key, however many programs make it at once', async () => {
    const keys = await Promise.all(Array.from({ length: 8 }, key))
    expect(new Set([...keys, await key()]).size).toBe(1)
    expect(readFileSync(file('allowed_signers'), 'utf8')).toContain(keys[0])
  })

  it('is not used once it was taken off the list, or expired', async () => {
    const made = await key()
    const line = readFileSync(file('allowed_signers'), 'utf8')
    const refused = { code: 'preflight', hint: expect.stringContaining('.old') }
    writeFileSync(
      file('allowed_signers'),
      line.replace(' namespaces=', ' valid-before="20200101",namespaces='),
    )
    await expect(key()).rejects.toMatchObject({ ...refused, message: expect.stringContaining('expired') })
    writeFileSync(
      file('allowed_signers'),
      signerLine(publicBlob(generateKeyPairSync('ed25519').privateKey), 'other'),
    )
    await expect(key()).rejects.toMatchObject({ ...refused, message: expect.stringContaining('not listed') })
    rmSync(file('allowed_signers'))
    await expect(key()).rejects.toMatchObject(refused)
    renameSync(file('evidence-key.pem'), file('evidence-key.pem.old'))
    expect(await key()).not.toBe(made)
  })

  it('is not used where others can read it, or where it is something else', async () => {
    await key()
    chmodSync(file('evidence-key.pem'), 0o640)
    await expect(key()).rejects.toMatchObject({
      code: 'preflight',
      message: expect.stringContaining('others may read it'),
    })
    chmodSync(file('evidence-key.pem'), 0o600)
    renameSync(file('evidence-key.pem'), file('real'))
    symlinkSync(file('real'), file('evidence-key.pem'))
    await expect(key()).rejects.toMatchObject({ code: 'preflight' })
    rmSync(file('evidence-key.pem'))
    for (const body of [
      '',
      'nonsense',
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'pkcs8' }),
    ]) {
      writeFileSync(file('evidence-key.pem'), body, { mode: 0o600 })
      await expect(key()).rejects.toMatchObject({ code: 'preflight', hint: expect.any(String) })
    }
    expect(existsSync(file('real'))).toBe(true)
  })
})

describe('a list of trusted keys', () => {
  const blob = publicBlob(generateKeyPairSync('ed25519').privateKey)
  const text = blob.toString('base64')

  it.each([
    ['our own line', signerLine(blob, 'db 1!')],
    ['a plain public key', `ssh-ed25519 ${text} somebody@somewhere\n`],
    ['several principals', `alice@example,runbook ssh-ed25519 ${text}`],
    ['everybody', `* ssh-ed25519 ${text}`],
    [
      'among other lines',
      `# comment\n\nalice ssh-rsa AAAA\nrunbook namespaces="git,runbook-evidence" ssh-ed25519 ${text} x y\r\n`,
    ],
  ])('trusts %s', (_, list) => {
    expect(trustedKeys(list, 'list').map((one) => one.blob.toString('base64'))).toEqual([text])
  })

  it.each([
    ['another principal', `alice ssh-ed25519 ${text}`],
    ['another namespace', `runbook namespaces="git" ssh-ed25519 ${text}`],
    ['an authority', `runbook cert-authority ssh-ed25519 ${text}`],
    [
      'an option that it does not know',
      `runbook namespaces="runbook-evidence",max-uses="1" ssh-ed25519 ${text}`,
    ],
    ['a date that is none', `runbook valid-before="soon" ssh-ed25519 ${text}`],
    ['another type of key', 'runbook ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAA'],
    ['a cut-off key', `runbook ssh-ed25519 ${text.slice(0, 40)}`],
    [
      'a key that says it is another type',
      `ssh-ed25519 ${Buffer.concat([Buffer.from([0, 0, 0, 7]), Buffer.from('ssh-rsa'), blob.subarray(15)]).toString('base64')}`,
    ],
    ['nothing', ''],
  ])('does not trust %s', (_, list) => {
    expect(() => trustedKeys(list, 'list')).toThrow('no key trusted for evidence in list')
  })
})
