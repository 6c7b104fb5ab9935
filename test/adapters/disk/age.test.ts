import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { decryptWithAge, encryptWithAge, ageError } from '../../../src/adapters/disk/age.ts'
import type { ArchiveTools } from '../../../src/adapters/disk/gpg-decrypt.ts'
import { secretsFrom } from '../../../src/adapters/environment/secrets.ts'
import { shell } from '../../../src/adapters/process/shell.ts'
import { watchedScope } from '../../fixtures/scope.ts'

const handle = { secret: 'key', from: { env: 'KEY' } } as const
const tools = (more: Partial<ArchiveTools> = {}): ArchiveTools => ({
  shell,
  scope: watchedScope(),
  secrets: secretsFrom({ environment: { KEY: 'correct horse' }, register: () => undefined }),
  ageWork: 10,
  ...more,
})

let folder: string
let plain: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'runbook-age-'))
  plain = join(folder, 'plain')
})
afterEach(() => rmSync(folder, { recursive: true }))

it(
  'derives the key as slowly as age itself does, unless a test says otherwise',
  { timeout: 90_000 },
  async () => {
    writeFileSync(plain, 'text')
    const { ageWork, ...usual } = tools()
    expect(ageWork).toBe(10)
    await encryptWithAge(usual, plain, `${plain}.age`, handle)
    expect(readFileSync(`${plain}.age`, 'latin1')).toMatch(
      /^age-encryption\.org\/v1\n-> scrypt [\w+/]{22} 18\n/,
    )
  },
)

it.each([0, 1, 65_536, 65_537, 3 * 65_536, 1_000_000])(
  'gives back %i bytes, and refuses the file that is cut off after any whole piece',
  async (bytes) => {
    writeFileSync(plain, randomBytes(bytes))
    const { size } = await encryptWithAge(tools(), plain, `${plain}.age`, handle)
    await decryptWithAge(tools(), `${plain}.age`, join(folder, 'back'), handle)
    expect(readFileSync(join(folder, 'back')).equals(readFileSync(plain))).toBe(true)
    const header = size - bytes - 16 * Math.max(1, Math.ceil(bytes / 65_536))
    for (let pieces = 0; header + pieces * 65_552 < size; pieces += 1) {
      writeFileSync(join(folder, 'cut.age'), readFileSync(`${plain}.age`))
      truncateSync(join(folder, 'cut.age'), header + pieces * 65_552)
      await expect(
        decryptWithAge(tools(), join(folder, 'cut.age'), join(folder, 'none'), handle),
      ).rejects.toMatchObject({ code: 'verification' })
    }
    expect(readdirSync(folder).filter((name) => name.startsWith('none'))).toEqual([])
  },
)

it('refuses pieces that changed places', async () => {
  writeFileSync(plain, randomBytes(3 * 65_536))
  await encryptWithAge(tools(), plain, `${plain}.age`, handle)
  const file = readFileSync(`${plain}.age`)
  const start = file.length - 3 * 65_552
  const [head, one, two, rest] = [
    file.subarray(0, start),
    file.subarray(start, start + 65_552),
    file.subarray(start + 65_552, start + 131_104),
    file.subarray(start + 131_104),
  ]
  writeFileSync(join(folder, 'moved.age'), Buffer.concat([head, two, one, rest]))
  await expect(
    decryptWithAge(tools(), join(folder, 'moved.age'), join(folder, 'none'), handle),
  ).rejects.toMatchObject({ code: 'verification', message: expect.stringContaining('invalid tag') })
})

it('stops where the run is stopped, and leaves nothing', async () => {
  writeFileSync(plain, randomBytes(1_000_000))
  const controller = new AbortController()
  const scope = { ...watchedScope(), signal: controller.signal }
  controller.abort(new Error('stopped'))
  await expect(encryptWithAge(tools({ scope }), plain, `${plain}.age`, handle)).rejects.toThrow('stopped')
  expect(readdirSync(folder)).toEqual(['plain'])
})

it.each([
  [
    "no identity matched any of the file's recipients",
    /wrong passphrase, or not encrypted with a passphrase/,
  ],
  ['invalid version hello', /not an age file/],
  ['invalid header', /not an age file/],
  ['invalid header HMAC', /damaged or truncated, or with extra data after its end \(invalid header HMAC\)/],
  ['invalid tag', /damaged or truncated, or with extra data after its end \(invalid tag\)/],
  [
    'scrypt work factor is too high',
    /damaged or truncated, or with extra data after its end \(scrypt work factor is too high\)/,
  ],
])('"%s" is told as %s', (said, why) => expect(ageError('/a.age', said).message).toMatch(why))
