import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { diskArchives } from '../../../src/adapters/disk/archives.ts'
import { shell, type Call } from '../../../src/adapters/process/shell.ts'
import { emptyDisk } from '../../../src/testing/disk.ts'
import { fakeSecrets } from '../../../src/testing/secrets.ts'
import { program } from '../../fixtures/requirements.ts'
import { watchedScope } from '../../fixtures/scope.ts'

const passphrase = 'correct "horse" $battery `staple` é'
const secrets = fakeSecrets({ environment: { GOOD: passphrase, BAD: 'wrong horse' }, disk: emptyDisk() })
const handle = (env: string) => ({ secret: 'backup passphrase', from: { env } })
const calls: Call[] = []
let meanwhile = (): void => undefined
const scope = watchedScope()
const watched = {
  run: (call: Call, within: Parameters<typeof shell.run>[1]) => {
    calls.push(call)
    meanwhile()
    return shell.run(call, within)
  },
}
const archives = diskArchives({ shell: watched, scope, secrets })
const top = mkdtempSync(join(tmpdir(), 'runbook-encrypt-'))
const plain = Buffer.from('a line of the backup\n'.repeat(20_000))
let folder = ''

describe.skipIf(!program('gpg'))('encryption by gpg', () => {
  beforeEach(() => {
    folder = mkdtempSync(join(top, 'e-'))
    writeFileSync(join(folder, 'plain'), plain)
    calls.length = 0
    meanwhile = () => undefined
  })
  afterAll(() => rmSync(top, { recursive: true }))
  const encrypt = () => archives.encrypt(join(folder, 'plain'), join(folder, 'a.gpg'), handle('GOOD'))

  it('T.27: is read back by the command of the procedure, loopback or not, and by us', async () => {
    await encrypt()
    const home = mkdtempSync(join(top, 'home-'))
    for (const loopback of [[], ['--pinentry-mode', 'loopback']]) {
      const argv = [
        '--homedir',
        home,
        '--batch',
        '--yes',
        '--no-tty',
        ...loopback,
        '--passphrase-fd',
        '0',
        '--output',
        '-',
        '--decrypt',
        join(folder, 'a.gpg'),
      ]
      expect(
        execFileSync('gpg', argv, {
          input: passphrase,
          stdio: ['pipe', 'pipe', 'ignore'],
          maxBuffer: 1 << 26,
        }).equals(plain),
      ).toBe(true)
    }
    spawnSync('gpgconf', ['--homedir', home, '--kill', 'all'])
    for (const { argv } of calls) expect(argv.join(' ')).toMatch(/--pinentry-mode loopback --passphrase-fd 0/)
  })

  it('with AES-256, the slowest derivation there is, and integrity protection', async () => {
    await encrypt()
    const { stdout } = spawnSync(
      'gpg',
      [
        '--batch',
        '--no-tty',
        '--pinentry-mode',
        'loopback',
        '--passphrase-fd',
        '0',
        '--list-packets',
        join(folder, 'a.gpg'),
      ],
      { input: passphrase, encoding: 'utf8' },
    )
    // RFC 4880: cipher 9 is AES-256, hash 10 is SHA-512; count 255 stands for 65011712.
    expect(stdout).toMatch(/cipher 9.*s2k 3, hash 10/)
    expect(stdout).toContain('count 65011712 (255)')
    expect(stdout).toMatch(/mdc_method: 2|aead/)
  })

  it('never puts the passphrase into an argument, the environment or the log, and leaves nothing but the result', async () => {
    await encrypt()
    expect(readdirSync(folder).sort()).toEqual(['a.gpg', 'plain'])
    expect(readFileSync(join(folder, 'plain')).equals(plain)).toBe(true)
    expect(calls.map(({ argv, env }) => JSON.stringify([argv, env])).join()).not.toContain('horse')
    expect(scope.text()).not.toContain('horse')
    expect(calls.map(({ stdin }) => stdin)).toEqual([`${passphrase}\n`, `${passphrase}\n`])
  })

  it('is refused for a file that changes meanwhile', async () => {
    meanwhile = () => appendFileSync(join(folder, 'plain'), 'more')
    await expect(encrypt()).rejects.toMatchObject({
      code: 'verification',
      message: expect.stringContaining('decrypting it gives other bytes'),
    })
    expect(readdirSync(folder)).toEqual(['plain'])
  })

  it.each([
    ['cut off', (body: Buffer) => body.subarray(0, body.length - 1)],
    ['cut off in its middle', (body: Buffer) => body.subarray(0, body.length >> 1)],
    [
      'with one bit turned',
      (body: Buffer) =>
        Buffer.from(body.map((byte, index) => (index === body.length >> 1 ? byte ^ 1 : byte))),
    ],
  ])('a result that is %s is not decrypted', async (_, damage) => {
    await encrypt()
    writeFileSync(join(folder, 'a.gpg'), damage(readFileSync(join(folder, 'a.gpg'))))
    await expect(
      archives.decrypt(join(folder, 'a.gpg'), join(folder, 'back'), handle('GOOD')),
    ).rejects.toMatchObject({ code: 'verification' })
    await expect(
      archives.decrypt(join(folder, 'a.gpg'), join(folder, 'back'), handle('BAD')),
    ).rejects.toMatchObject({ code: 'verification' })
    expect(readdirSync(folder).sort()).toEqual(['a.gpg', 'plain'])
  })

  it('begins anew over what a kill left', async () => {
    writeFileSync(join(folder, 'a.gpg.partial'), 'half')
    execFileSync('mkdir', [join(folder, 'a.gpg.gnupg')])
    await encrypt()
    expect(readdirSync(folder).sort()).toEqual(['a.gpg', 'plain'])
  })
})
