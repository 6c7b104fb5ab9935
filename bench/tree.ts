import { createCipheriv } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const words = 'order invoice customer payment shipped pending total currency street city'.split(' ')

/** The same numbers each time: what is measured must not depend on luck. From 0 to below 1. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed >>> 0; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    yield state / 2 ** 32
  }
}

/** Bytes that no program can compress, made quickly. */
export const noise = (bytes: number, seed: number): Buffer =>
  createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16)).update(Buffer.alloc(bytes))

function* text(bytes: number, seed: number): Generator<string> {
  const random = numbers(seed)
  const next = (below: number): number => Math.floor(random.next().value * below)
  for (let length = 0; length < bytes;) {
    const line = `${next(1e9)},${words[next(words.length)]},${words[next(words.length)]},${next(1e6) / 100}\n`
    length += line.length
    yield line
  }
}

/**
 * A data folder as applications have them: texts and files that are compressed already, most of them small and some
 * large. @returns what it holds, for the report
 */
export function layTree(folder: string, files: number): string {
  const random = numbers(files)
  let total = 0
  for (let at = 0; at < files; at += 1) {
    const below = join(folder, `part-${String(at % 100).padStart(2, '0')}`)
    if (at < 100) mkdirSync(below, { recursive: true, mode: 0o700 })
    const share = random.next().value
    const bytes = at % 100 === 0 ? 4_000_000 : Math.floor(20_000 + share * 160_000)
    const content = at % 3 === 0 ? noise(bytes, at % 251) : Buffer.from([...text(bytes, at)].join(''))
    total += content.length
    writeFileSync(join(below, `file-${at}`), content, { mode: 0o600 })
  }
  return `${files} files, ${Math.round(total / 1e6)} MB`
}
