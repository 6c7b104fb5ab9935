import { createCipheriv, pbkdf2Sync } from 'node:crypto'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { fromOpenssl } from '../../src/adapters/unwrap/openssl.ts'
import { fromBzip2, fromXz } from '../../src/adapters/unwrap/programs.ts'
import type { Unwrapping } from '../../src/adapters/unwrap/unwrapping.ts'
import { fromGzip, fromZstd } from '../../src/adapters/unwrap/zlib.ts'
import { watchedScope } from '../fixtures/scope.ts'

const text = Buffer.alloc(300_000, 'INSERT INTO items VALUES (17);\n')
const [gzip, zstd] = [gzipSync(text), zstdCompressSync(text)]
const wrappings = { gzip: fromGzip, zstd: fromZstd }

async function unwrapped(format: keyof typeof wrappings, file: Uint8Array, size: number): Promise<string> {
  async function* parts() {
    for (let at = 0; at < file.length; at += size) yield file.subarray(at, at + size)
  }
  const got: Uint8Array[] = []
  for await (const part of wrappings[format](parts(), { name: 'a.sql' })) got.push(part)
  return Buffer.concat(got).equals(text) ? 'whole' : 'other'
}

/** Also byte by byte at the end: the decoders see where a stream ends by what they are given at once. */
const sizes = [1 << 20, 97, 1]

const behind = ['x', 'xy', 'garbage', 'x'.repeat(5000)]
test.each(behind.flatMap((extra) => [['gzip', extra] as const, ['zstd', extra] as const]))(
  '%s with %j behind its end is not called truncated',
  async (format, extra) => {
    const file = Buffer.concat([format === 'gzip' ? gzip : zstd, Buffer.from(extra)])
    for (const size of sizes)
      await expect(unwrapped(format, file, size)).rejects.toThrow(
        `a.sql has extra data after its ${format} stream`,
      )
  },
)

test('a byte that begins like another stream, behind gzip, is extra data too', async () => {
  const file = Buffer.concat([gzip, Buffer.of(0x1f)])
  await expect(unwrapped('gzip', file, 1 << 20)).rejects.toThrow('a.sql has extra data after its gzip stream')
})

test.each([1, 4, 8, 9, 100])('without its last %i bytes it is truncated', async (missing) => {
  for (const size of sizes) {
    await expect(unwrapped('gzip', gzip.subarray(0, -missing), size)).rejects.toThrow('a.sql is truncated')
    if (zstd.length > missing)
      await expect(unwrapped('zstd', zstd.subarray(0, -missing), size)).rejects.toThrow('a.sql is truncated')
  }
})

test('a damaged stream is still called damaged, and one in several members is read whole', async () => {
  const damaged = Buffer.from(gzip)
  damaged[20] = (damaged[20] ?? 0) ^ 0xff
  await expect(unwrapped('gzip', damaged, 1 << 20)).rejects.toThrow('is damaged')
  const half = text.length / 2
  for (const size of sizes) {
    const members = [gzipSync(text.subarray(0, half)), gzipSync(text.subarray(half))]
    expect(await unwrapped('gzip', Buffer.concat(members), size)).toBe('whole')
    const frames = [zstdCompressSync(text.subarray(0, half)), zstdCompressSync(text.subarray(half))]
    expect(await unwrapped('zstd', Buffer.concat(frames), size)).toBe('whole')
  }
})

test.each([
  [
    fromBzip2,
    0,
    'bzip2: (stdin): trailing garbage after EOF ignored',
    'has extra data after its bzip2 stream',
  ],
  [
    fromXz,
    1,
    'xz: (stdin): Unexpected end of input',
    'is truncated or damaged, or has extra data after its end',
  ],
])('%o that ends with %i says what its program knows', async (from, exitCode, stderrTail, why) => {
  const run = async () => ({ exitCode, stderrTail }) as Awaited<ReturnType<Unwrapping['shell']['run']>>
  async function* file() {
    yield text
  }
  const parts = from(file(), {
    shell: { run },
    scope: watchedScope(),
    secret: async () => null,
    name: 'a.sql',
  })
  await expect(parts.next()).rejects.toThrow(`a.sql ${why}`)
})

test('a byte behind the last of several gzip members is no certain truncation, and more of them are none', async () => {
  const part = text.length / 3
  const members = [0, 1, 2].map((at) => gzipSync(text.subarray(at * part, (at + 1) * part)))
  for (const size of sizes) {
    await expect(unwrapped('gzip', Buffer.concat([...members, Buffer.from('x')]), size)).rejects.toThrow(
      /a\.sql (?:is truncated or has extra data|has extra data)/,
    )
    await expect(unwrapped('gzip', Buffer.concat([...members, Buffer.from('xy')]), size)).rejects.toThrow(
      'a.sql has extra data after its gzip stream',
    )
    await expect(unwrapped('gzip', Buffer.concat(members).subarray(0, -30), size)).rejects.toThrow(
      'a.sql is truncated',
    )
  }
})

// openssl-enc(1) says "bad decrypt" of all of them.
test.each([1, 5, 16, 5000])(
  '%d bytes behind a file of openssl enc may be damage or extra data',
  async (extra) => {
    const plain = Buffer.concat([Buffer.from('PGDMP\x01\x0e\x00'), text])
    const salt = Buffer.alloc(8, 7)
    const derived = pbkdf2Sync('secret', salt, 10_000, 48, 'sha256')
    const cipher = createCipheriv('aes-256-cbc', derived.subarray(0, 32), derived.subarray(32))
    const file = Buffer.concat([Buffer.from('Salted__'), salt, cipher.update(plain), cipher.final()])
    const decrypted = async (bytes: Uint8Array): Promise<Buffer> => {
      async function* parts() {
        yield bytes
      }
      const got: Uint8Array[] = []
      const unwrapping = {
        shell: { run: () => Promise.reject(new Error('no program is needed')) },
        scope: watchedScope(),
        secret: async () => 'secret',
        name: 'a.dump',
      } as unknown as Unwrapping
      for await (const part of fromOpenssl(parts(), unwrapping)) got.push(part)
      return Buffer.concat(got)
    }
    expect((await decrypted(file)).equals(plain)).toBe(true)
    await expect(decrypted(Buffer.concat([file, Buffer.alloc(extra, 'x')]))).rejects.toThrow(
      'a.dump is truncated or damaged, or has extra data after its end',
    )
  },
)
