import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { diskArchives } from '../../../src/adapters/disk/archives.ts'
import { shell, type Call } from '../../../src/adapters/process/shell.ts'
import { emptyDisk } from '../../../src/testing/disk.ts'
import { fakeSecrets } from '../../../src/testing/secrets.ts'
import { program, root } from '../../fixtures/requirements.ts'
import { watchedScope } from '../../fixtures/scope.ts'

const passphrase = 'correct "horse" $battery `staple` é'
const secrets = fakeSecrets({ environment: { GOOD: passphrase, BAD: 'wrong horse' }, disk: emptyDisk() })
const handle = (env: string) => ({ secret: 'backup passphrase', from: { env } })

const calls: Call[] = []
const watched = {
  run: (call: Call, scope: Parameters<typeof shell.run>[1]) => (calls.push(call), shell.run(call, scope)),
}
const scope = watchedScope()
const archives = diskArchives({ shell: watched, scope, secrets })

const top = mkdtempSync(join(tmpdir(), 'runbook-decrypt-'))
const home = join(top, 'home')
const plain = Buffer.from('a line of the backup\n'.repeat(20_000))
let folder = ''
let sealed: Buffer

const gpg = (options: readonly string[], input: Buffer | string): Buffer =>
  execFileSync(
    'gpg',
    [
      '--homedir',
      home,
      '--batch',
      '--no-tty',
      '--pinentry-mode',
      'loopback',
      '--s2k-count',
      '65536',
      '--output',
      '-',
      ...options,
    ],
    {
      input,
      stdio: ['pipe', 'pipe', 'ignore'],
      maxBuffer: 1 << 26,
    },
  )
const symmetric = (input: Buffer, ...options: readonly string[]): Buffer =>
  gpg(['--passphrase', passphrase, ...options, '--symmetric'], input)

/** Decrypts these bytes, and says what was left beside them. */
async function decrypting(
  body: Buffer,
  env = 'GOOD',
): Promise<{ readonly thrown: unknown; readonly left: readonly string[] }> {
  writeFileSync(join(folder, 'backup.gpg'), body)
  const thrown: unknown = await archives
    .decrypt(join(folder, 'backup.gpg'), join(folder, 'plain'), handle(env))
    .then(
      () => null,
      (error: unknown) => error,
    )
  return { thrown, left: readdirSync(folder).filter((name) => name !== 'backup.gpg') }
}

describe.skipIf(!program('gpg'))('decryption by gpg', () => {
  beforeAll(() => {
    mkdirSync(home, { mode: 0o700 })
    sealed = symmetric(plain)
  })
  beforeEach(() => {
    folder = mkdtempSync(join(top, 'd-'))
    calls.length = 0
  })
  afterAll(() => {
    spawnSync('gpgconf', ['--homedir', home, '--kill', 'all'])
    rmSync(top, { recursive: true })
  })

  it('returns every byte, to us alone', async () => {
    expect(await decrypting(sealed)).toEqual({ thrown: null, left: ['plain'] })
    expect(readFileSync(join(folder, 'plain')).equals(plain)).toBe(true)
    expect(statSync(join(folder, 'plain')).mode & 0o777).toBe(0o600)
  })

  it.each([
    ['not compressed', ['--compress-algo', 'none']],
    ['in ASCII', ['--armor']],
    ['with 3DES', ['--cipher-algo', '3DES']],
  ])('takes what was encrypted %s', async (_, options) => {
    expect(await decrypting(symmetric(plain, ...options))).toEqual({ thrown: null, left: ['plain'] })
  })

  it('gives the passphrase to nobody but gpg, and leaves neither its home nor an agent', async () => {
    await decrypting(sealed)
    const [call] = calls
    expect(JSON.stringify(call?.argv)).not.toContain('horse')
    expect(call?.stdin).toBe(`${passphrase}\n`)
    const used = call?.env?.['GNUPGHOME'] ?? ''
    expect(used).toBe(join(folder, 'plain.gnupg'))
    expect(Object.keys(call?.env ?? {})).toEqual(['GNUPGHOME', 'LC_ALL'])
    expect(() => statSync(used)).toThrow('ENOENT')
    expect(spawnSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).stdout).not.toContain(used)
    expect(scope.text()).not.toContain('horse')
  })

  it("pays no heed to the operator's own settings", async () => {
    const theirs = join(top, 'theirs')
    mkdirSync(theirs, { mode: 0o700, recursive: true })
    writeFileSync(join(theirs, 'gpg.conf'), 'ignore-mdc-error\nlist-only\n')
    const before = process.env['GNUPGHOME']
    process.env['GNUPGHOME'] = theirs
    try {
      expect(await decrypting(sealed)).toEqual({ thrown: null, left: ['plain'] })
    } finally {
      if (before === undefined) delete process.env['GNUPGHOME']
      else process.env['GNUPGHOME'] = before
    }
    expect(readFileSync(join(folder, 'plain')).equals(plain)).toBe(true)
  })

  it.skipIf(!program('openssl'))(
    'names a file that is encrypted for a public key, and those that are encrypted under another name',
    async () => {
      const key = [
        '--passphrase',
        '',
        '--quick-generate-key',
        'backup@example.org',
        'default',
        'default',
        'never',
      ]
      execFileSync('gpg', ['--homedir', home, '--batch', '--pinentry-mode', 'loopback', ...key], {
        stdio: 'ignore',
      })
      const forKey = gpg(['--trust-model', 'always', '--recipient', 'backup@example.org', '--encrypt'], plain)
      expect((await decrypting(forKey)).thrown).toMatchObject({
        code: 'verification',
        message: expect.stringMatching(/encrypted for a public key \([0-9A-F]{16}\), not with a passphrase/),
        hint: expect.stringContaining('secret key'),
      })
      const limits = { maxBytes: 1e6, maxMembers: 10, maxDepth: 10 }
      const openssl = ['enc', '-aes-256-cbc', '-pbkdf2', '-pass', 'pass:passw0rd1']
      for (const [body, says] of [
        [symmetric(plain), 'it is encrypted, by gpg'],
        [forKey, 'it is encrypted, by gpg'],
        [symmetric(plain, '--armor'), 'it is encrypted, as OpenPGP text'],
        [execFileSync('openssl', openssl, { input: plain }), 'it is encrypted, by openssl enc'],
      ] as const) {
        writeFileSync(join(folder, 'backup.tar.gz'), body)
        await expect(archives.inspect(join(folder, 'backup.tar.gz'), limits)).rejects.toMatchObject({
          code: 'verification',
          message: expect.stringContaining(says),
        })
      }
    },
  )

  it('refuses a wrong passphrase', async () => {
    const { thrown, left } = await decrypting(sealed, 'BAD')
    expect(thrown).toMatchObject({
      code: 'verification',
      message: expect.stringContaining('passphrase is wrong'),
      hint: expect.any(String),
    })
    expect(left).toEqual([])
  })

  it('refuses a file that is cut off, wherever', async () => {
    const cuts = [
      0,
      1,
      10,
      20,
      50,
      1000,
      ...Array.from({ length: 12 }, (_, index) => Math.floor((sealed.length * (index + 1)) / 13)),
      sealed.length - 1,
    ]
    for (const length of cuts) {
      const { thrown, left } = await decrypting(sealed.subarray(0, length))
      expect(thrown, `${length} of ${sealed.length} bytes`).toMatchObject({ code: 'verification' })
      expect(left).toEqual([])
    }
  })

  it('refuses a file with one flipped bit, wherever: sixty places', async () => {
    const places = Array.from({ length: 60 }, (_, index) =>
      index < 20 ? index : Math.floor((sealed.length * (index - 19)) / 41),
    )
    for (const at of places) {
      const body = Buffer.from(sealed)
      body[at] = (body[at] ?? 0) ^ (1 << (at % 8))
      const { thrown, left } = await decrypting(body)
      expect(thrown, `byte ${at} of ${sealed.length}`).toMatchObject({ code: 'verification' })
      expect(left).toEqual([])
    }
  })

  it.each([
    ['was never encrypted, though gpg exits 0', () => gpg(['--store'], plain)],
    ['holds two messages', () => Buffer.concat([sealed, sealed])],
    [
      'begins with plain text in a packet of its own',
      () => Buffer.concat([gpg(['--store', '--compress-algo', 'none'], plain), sealed]),
    ],
    ['ends in garbage', () => Buffer.concat([sealed, Buffer.from('garbage')])],
    ['is text', () => Buffer.from('not encrypted at all\n')],
  ])('refuses a file that %s', async (_, make) => {
    const { thrown, left } = await decrypting(make())
    expect(thrown).toMatchObject({ code: 'verification', hint: expect.any(String) })
    expect(left).toEqual([])
  })

  it('removes what an earlier attempt left, and nothing else', async () => {
    writeFileSync(join(folder, 'plain.partial'), 'half')
    expect(await decrypting(sealed)).toEqual({ thrown: null, left: ['plain'] })
    const again = await decrypting(sealed)
    expect(again).toMatchObject({
      thrown: { code: 'failed', message: expect.stringContaining('already exists') },
      left: ['plain'],
    })
    expect(readFileSync(join(folder, 'plain')).equals(plain)).toBe(true)
  })

  it.skipIf(!root())('says that the disk is full, and leaves nothing', async () => {
    const small = mkdtempSync(join(top, 'small-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small])
    try {
      writeFileSync(join(folder, 'backup.gpg'), sealed)
      await expect(
        archives.decrypt(join(folder, 'backup.gpg'), join(small, 'plain'), handle('GOOD')),
      ).rejects.toMatchObject({
        code: 'failed',
        message: expect.stringContaining('no space is left'),
        hint: expect.stringContaining('df -h'),
      })
      expect(readdirSync(small)).toEqual([])
    } finally {
      execFileSync('umount', [small])
    }
  })
})
