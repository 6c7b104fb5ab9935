import { gunzipSync } from 'node:zlib'
import { assert, asyncProperty, integer } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gzipInParallel } from '../../../src/adapters/disk/parallel-gzip.ts'

async function* inParts(content: Buffer, bytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += bytes) yield content.subarray(at, at + bytes)
}

async function compressed(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of gzipInParallel(source)) parts.push(part)
  return Buffer.concat(parts)
}

const mebibyte = 1024 * 1024
const texts = Buffer.from('a line that comes again and again, number 12345\n'.repeat(70_000))

describe('gzip with several blocks at a time', () => {
  it.each([0, 1, mebibyte - 1, mebibyte, mebibyte + 1, 3 * mebibyte])(
    'is read by another program as what was written: %i bytes',
    async (bytes) => {
      const content = texts.subarray(0, bytes)
      expect(gunzipSync(await compressed(inParts(content, 65_536))).equals(content)).toBe(true)
    },
  )

  it('has the same bytes however the content arrives', async () => {
    const once = await compressed(inParts(texts, texts.length))
    await assert(
      asyncProperty(integer({ min: 1_000, max: texts.length }), async (bytes) => {
        expect((await compressed(inParts(texts, bytes))).equals(once)).toBe(true)
      }),
      { numRuns: 8 },
    )
  })

  it('refers back into the block before', async () => {
    const noise = Buffer.from(Array.from({ length: 16_384 }, (_, at) => (at * at * 31 + (at >> 3) * 7) & 255))
    const content = Buffer.concat([Buffer.alloc(mebibyte - noise.length), noise, noise])
    const alone = (await compressed(inParts(Buffer.concat([Buffer.alloc(mebibyte), noise]), mebibyte))).length
    const again = (await compressed(inParts(content, mebibyte))).length
    expect(again).toBeLessThan(alone + 1_000)
    expect(gunzipSync(await compressed(inParts(content, mebibyte))).equals(content)).toBe(true)
  })

  it('fails as the source does, and not as a complete archive', async () => {
    async function* failing(): AsyncGenerator<Buffer> {
      yield* inParts(texts.subarray(0, 2 * mebibyte), mebibyte)
      throw new Error('the disk is gone')
    }
    await expect(compressed(failing())).rejects.toThrow('the disk is gone')
  })
})
