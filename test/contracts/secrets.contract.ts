import { describe, expect, it } from 'vitest'
import type { Secrets } from '../../src/drivers/secrets.ts'
import type { Secret } from '../../src/kernel/secret.ts'

export type SecretsBench = {
  readonly secrets: Secrets
  /** Every secret that was made known to the redactor, in order. */
  readonly registered: readonly Secret[]
  /** Lays a file that only its owner may read, and returns its path. */
  file(body: string): Promise<string>
}

/** What every Secrets driver must do. */
export function secretsContract(
  name: string,
  open: (environment: { readonly [name: string]: string }) => Promise<SecretsBench>,
): void {
  const preflight = { name: 'RunbookError', code: 'preflight', hint: expect.any(String) }

  describe(`secrets, ${name}`, () => {
    it('reveals one from the environment, and makes it known first', async () => {
      const { secrets, registered } = await open({ DB_PASSWORD: 'a canary value' })
      const handle = { secret: 'database password', from: { env: 'DB_PASSWORD' } }
      expect(await secrets.available(handle)).toBe(true)
      expect(registered).toEqual([])
      const secret = await secrets.reveal(handle)
      expect(secret.reveal()).toBe('a canary value')
      expect(String(secret)).toBe('[redacted:database password]')
      expect(registered).toEqual([secret])
    })

    it('reveals one from a file, without the newline at its end', async () => {
      const { secrets, registered, file } = await open({})
      for (const [body, text] of [
        ['a canary value\n', 'a canary value'],
        ['a canary value\r\n', 'a canary value'],
        ['line one\nline two\n\n', 'line one\nline two\n'],
        ['  spaces stay  ', '  spaces stay  '],
      ] as const) {
        const handle = { secret: 'key', from: { file: await file(body) } }
        expect(await secrets.available(handle)).toBe(true)
        expect((await secrets.reveal(handle)).reveal()).toBe(text)
      }
      expect(registered).toHaveLength(4)
    })

    it('says that one cannot be read, and names it, never its value', async () => {
      const { secrets, registered, file } = await open({ EMPTY: '' })
      for (const from of [
        { env: 'EMPTY' },
        { env: 'MISSING' },
        { file: await file('') },
        { file: await file('\n') },
        { file: '/nonexistent/file' },
      ]) {
        const handle = { secret: 'the key', from }
        expect(await secrets.available(handle)).toBe(false)
        await expect(secrets.reveal(handle)).rejects.toMatchObject({
          ...preflight,
          message: expect.stringContaining('the key'),
        })
      }
      expect(registered).toEqual([])
    })

    it('refuses a value too short to be masked', async () => {
      const { secrets, registered, file } = await open({ SHORT: '1234567' })
      for (const from of [{ env: 'SHORT' }, { file: await file('1234567') }]) {
        const handle = { secret: 'pin', from }
        expect(await secrets.available(handle)).toBe(false)
        await expect(secrets.reveal(handle)).rejects.toMatchObject({
          code: 'usage',
          message: expect.not.stringContaining('1234567'),
        })
      }
      expect(registered).toEqual([])
    })
  })
}
