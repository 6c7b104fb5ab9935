import { shellWord } from '../../kernel/shell-quote.ts'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { Parser, type ReadEntry } from 'tar'
import type { ArchivedImage } from '../../drivers/images.ts'
import type { Scope } from '../../drivers/scope.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import { imagesIn } from '../../formats/image-archive.ts'
import { place, statOf } from '../disk/place.ts'

/** Manifests and configurations are smaller; layers are only hashed. */
const maxDescription = 1024 * 1024

/**
 * Reads a complete `docker save` file and hashes every member. Like `docker load` it also reads compressed
 * files.
 */
export async function readImageArchive(file: string, scope: Scope): Promise<readonly ArchivedImage[]> {
  const at = place(file)
  const there = await statOf(at)
  if (there === null || !there.isFile()) {
    throw cannot('read', `image archive ${at}`, there === null ? 'no such file' : 'not a regular file', {
      code: 'failed',
      hint: `check: ls -ld ${shellWord(at)}`,
    })
  }
  const digests = new Map<string, string>()
  const links = new Map<string, string>()
  const texts = new Map<string, string>()
  const parser = new Parser({ strict: true })
  parser.on('entry', (entry: ReadEntry) => {
    if (entry.linkpath !== undefined && entry.linkpath !== '') links.set(entry.path, entry.linkpath)
    if (entry.type !== 'File' && entry.type !== 'OldFile') return entry.resume()
    const hash = createHash('sha256')
    const kept: Buffer[] = []
    entry.on('data', (chunk: Buffer) => {
      hash.update(chunk)
      if (entry.size <= maxDescription) kept.push(Buffer.from(chunk))
    })
    entry.on('end', () => {
      digests.set(entry.path, hash.digest('hex'))
      if (entry.size <= maxDescription) texts.set(entry.path, Buffer.concat(kept).toString())
    })
  })
  let done = 0
  const source = createReadStream(at, { highWaterMark: 1 << 20 })
  source.on('data', (chunk) =>
    scope.progress({ done: (done += chunk.length), total: there.size, unit: 'bytes' }),
  )
  try {
    await pipeline(source, parser as unknown as NodeJS.WritableStream, { signal: scope.signal })
    return imagesIn({ digests, links, texts })
  } catch (thrown) {
    scope.signal.throwIfAborted()
    throw new RunbookError(
      'verification',
      `image archive ${at} is not valid: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
      {
        hint: 'use another archive, pull the image from a registry, or rebuild it from its commit',
      },
    )
  }
}
