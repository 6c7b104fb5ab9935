import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { secretsFrom } from '../../src/adapters/environment/secrets.ts'
import { root } from '../fixtures/requirements.ts'

const top = mkdtempSync(join(tmpdir(), 'runbook-secrets-'))
afterAll(() => rmSync(top, { recursive: true }))

let count = 0
const laid = (body: string | Uint8Array, mode = 0o600): string => {
  const path = join(top, `secret-${count++}`)
  writeFileSync(path, body, { mode })
  chmodSync(path, mode)
  return path
}

describe.skipIf(!root())("another user's secret", () => {
  it('is refused', async () => {
    const path = laid('a canary value')
    chownSync(path, 4321, 4321)
    const secrets = secretsFrom({ environment: {}, register: () => undefined })
    await expect(secrets.reveal({ secret: 'key', from: { file: path } })).rejects.toMatchObject({
      code: 'preflight',
      message: expect.stringContaining('user 4321'),
    })
  })
})
