import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dumpStream, mustMatchDigest } from '../../src/adapters/unwrap/dump-stream.ts'
import { sha256 } from '../../src/kernel/json.ts'
import { watchedScope } from '../fixtures/scope.ts'

describe('feeding a dump to a program', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rbfeed-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const file = async (bytes: Uint8Array): Promise<string> => {
    await writeFile(join(folder, 'dump'), bytes)
    return join(folder, 'dump')
  }
  /** What a program would have got, and how it ended. */
  const drink = async (stream: AsyncIterable<Uint8Array>): Promise<{ got: Buffer; thrown: unknown }> => {
    const got: Uint8Array[] = []
    try {
      for await (const part of stream) got.push(part)
      return { got: Buffer.concat(got), thrown: null }
    } catch (thrown) {
      return { got: Buffer.concat(got), thrown }
    }
  }

  test.each([1, 65_536, 1_048_576, 3_500_000])('%i right bytes arrive whole', async (length) => {
    const bytes = Buffer.alloc(length, 'runbook ')
    const scope = watchedScope()
    const { stream, read } = dumpStream(await file(bytes), { expected: sha256(bytes), total: length }, scope)
    expect(read()).toBeNull()
    const { got, thrown } = await drink(stream)
    expect(thrown).toBeNull()
    expect(got.equals(bytes)).toBe(true)
    expect(read()).toEqual({ bytes: length, sha256: sha256(bytes) })
    expect(scope.steps.at(-1)).toEqual({ done: length, total: length, unit: 'bytes' })
  })

  test('a patch replaces bytes for the program, across parts too, and not for the digest', async () => {
    const bytes = Buffer.alloc(1_048_576 * 2, 'a')
    const patches = [
      { start: 0, bytes: Buffer.from('first') },
      { start: 1_048_573, bytes: Buffer.from('middle') },
      { start: bytes.length - 4, bytes: Buffer.from('last') },
    ]
    const { stream, read } = dumpStream(
      await file(bytes),
      { expected: sha256(bytes), total: bytes.length, patches },
      watchedScope(),
    )
    const { got, thrown } = await drink(stream)
    expect(thrown).toBeNull()
    const expected = Buffer.from(bytes)
    for (const { start, bytes: other } of patches) expected.set(other, start)
    expect(got.equals(expected)).toBe(true)
    expect(read()?.sha256).toBe(sha256(bytes))
  })

  test.each([1, 65_536, 1_048_576, 3_500_000])('of %i other bytes the end never arrives', async (length) => {
    const bytes = Buffer.alloc(length, 'runbook ')
    const { stream, read } = dumpStream(
      await file(bytes),
      { expected: sha256('other bytes'), total: length },
      watchedScope(),
    )
    const { got, thrown } = await drink(stream)
    expect(thrown).toMatchObject({ code: 'verification' })
    expect(got.length).toBeLessThan(length)
    expect(read()).toBeNull()
  })

  test('a hundred reports are the most, however large it is', async () => {
    const bytes = Buffer.alloc(300 * 1024 * 1024)
    const scope = watchedScope()
    await drink(dumpStream(await file(bytes), { expected: null, total: bytes.length }, scope).stream)
    expect(scope.steps.length).toBeLessThanOrEqual(101)
    expect(scope.steps.length).toBeGreaterThan(50)
  })

  test('other bytes, none, and no file are refused beforehand', async () => {
    const scope = watchedScope()
    await mustMatchDigest(await file(Buffer.from('right')), sha256('right'), scope)
    await expect(
      mustMatchDigest(await file(Buffer.from('wrong')), sha256('right'), scope),
    ).rejects.toMatchObject({
      code: 'verification',
    })
    await expect(mustMatchDigest(await file(Buffer.alloc(0)), sha256(''), scope)).rejects.toMatchObject({
      code: 'verification',
    })
    await expect(mustMatchDigest(join(folder, 'nothing'), sha256(''), scope)).rejects.toMatchObject({
      code: 'verification',
    })
    await expect(mustMatchDigest(folder, sha256(''), scope)).rejects.toMatchObject({ code: 'verification' })
  })
})
