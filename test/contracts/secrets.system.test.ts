import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { secretsFrom } from '../../src/adapters/environment/secrets.ts'
import { Redactor } from '../../src/kernel/redact.ts'
import type { Secret } from '../../src/kernel/secret.ts'
import { secretsContract } from './secrets.contract.ts'

const top = mkdtempSync(join(tmpdir(), 'runbook-secrets-'))
afterAll(() => rmSync(top, { recursive: true }))

let count = 0
const laid = (body: string | Uint8Array, mode = 0o600): string => {
  const path = join(top, `secret-${count++}`)
  writeFileSync(path, body, { mode })
  chmodSync(path, mode)
  return path
}

secretsContract('of this system', async (environment) => {
  const registered: Secret[] = []
  return {
    secrets: secretsFrom({ environment, register: (secret) => void registered.push(secret) }),
    registered,
    file: async (body) => laid(body),
  }
})

describe('secrets of this system', () => {
  const secrets = secretsFrom({ environment: {}, register: () => undefined })
  const fileHandle = (file: string) => ({ secret: 'key', from: { file } })

  it.each([0o640, 0o604, 0o644, 0o620, 0o666, 0o610])('refuses a file of mode %o', async (mode) => {
    const path = laid('a canary value', mode)
    expect(await secrets.available(fileHandle(path))).toBe(false)
    await expect(secrets.reveal(fileHandle(path))).rejects.toMatchObject({
      code: 'preflight',
      message: expect.stringContaining(mode.toString(8)),
      hint: expect.stringContaining(`chmod 600 ${path}`),
    })
  })

  it('takes a file that nobody may write, and one behind a link', async () => {
    const path = laid('a canary value', 0o400)
    symlinkSync(path, join(top, 'link'))
    expect((await secrets.reveal(fileHandle(join(top, 'link')))).reveal()).toBe('a canary value')
  })

  it('refuses what is no text, too large, a folder, or a pipe without waiting for it', async () => {
    execFileSync('mkfifo', ['-m', '600', join(top, 'pipe')])
    chmodSync(top, 0o700)
    for (const path of [
      laid(Uint8Array.of(0xff, 0xfe, 1, 2, 3, 4, 5, 6, 7, 8)),
      laid('x'.repeat(65_537)),
      top,
      join(top, 'pipe'),
    ]) {
      await expect(secrets.reveal(fileHandle(path))).rejects.toMatchObject({
        code: 'preflight',
        message: expect.stringContaining(path),
      })
    }
    expect((await secrets.reveal(fileHandle(laid('x'.repeat(65_536))))).reveal()).toHaveLength(65_536)
  })

  it('masks a revealed secret wherever the redactor is asked', async () => {
    const redactor = new Redactor()
    const revealing = secretsFrom({
      environment: { TOKEN: 'a canary value' },
      register: (secret) => redactor.add(secret),
    })
    expect(redactor.text('a canary value')).toBe('a canary value')
    await revealing.reveal({ secret: 'token', from: { env: 'TOKEN' } })
    expect(redactor.text('it is a canary value')).toBe('it is [redacted:token]')
  })
})
