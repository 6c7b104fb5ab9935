import type { Json } from './json.ts'
import { MultiSearch, type Needle } from './multi-search.ts'
import type { Secret } from './secret.ts'
import { encodingsOf } from './secret-encodings.ts'
import { partsOf } from './secret-parts.ts'

/** Masks output that arrives in chunks. `push` may return the chunk it was given. */
export interface RedactingStream {
  push(chunk: Uint8Array): Uint8Array
  /** Returns the remaining bytes. Nothing may be pushed afterwards. */
  end(): Uint8Array
}

const longestKept = 64
const mostKept = 10_000

/**
 * Masks every known secret and its parts, in every encoding of `encodingsOf`. It works on bytes and sits at
 * the sinks, so no caller has to remember it. Where secrets overlap, all their bytes are masked; all other bytes are
 * unchanged.
 */
export class Redactor {
  readonly #texts = new Map<string, Secret>()
  readonly #public = new Set<string>()
  #compiled: MultiSearch | null = null
  /** Short texts without a secret: keys, kinds and ids recur in every entry. */
  readonly #clear = new Set<string>()

  /** Takes effect at once, in open streams too. The same text under a second name keeps the first name. */
  add(secret: Secret): void {
    if (this.#texts.has(secret.reveal())) return
    this.#texts.set(secret.reveal(), secret)
    this.#changed()
  }

  /**
   * Text that is public anyway: parts of secrets that yield are not masked if it contains them, nor are values
   * that are ordinary words, such as the password `postgres`.
   * @returns names of the secrets whose value is not masked
   */
  publish(text: string): readonly string[] {
    if (!this.#public.has(text)) {
      this.#public.add(text)
      this.#changed()
    }
    const known = [...this.#public]
    return [...this.#texts.values()]
      .filter((secret) => isWord(secret.reveal()) && isIn(known, secret.reveal()))
      .map(({ name }) => name)
  }

  #changed(): void {
    this.#compiled = null
    this.#clear.clear()
  }

  get #needles(): MultiSearch {
    this.#compiled ??= new MultiSearch(needlesOf([...this.#texts.values()], [...this.#public]))
    return this.#compiled
  }

  text(text: string): string {
    if (this.#clear.has(text)) return text
    const bytes = Buffer.from(text)
    const masked = mask(bytes, bytes.length, this.#needles.search(bytes, true).found, nothingCovered)
    if (masked.bytes !== bytes) return masked.bytes.toString('utf8')
    if (text.length <= longestKept && this.#clear.size < mostKept) this.#clear.add(text)
    // The text itself: a round trip through bytes would alter lone surrogates.
    return text
  }

  /** Masks keys too. A number whose digits contain a secret becomes text. @returns the value itself where nothing is masked */
  json<T extends Json>(value: T): T {
    // Every entry and event passes here, and most runs know no secret.
    return this.#texts.size === 0 || this.#isClear(value) ? value : (this.#json(value) as T)
  }

  /** Whether nothing in it is masked. Builds no copy, which most entries of runs with secrets do not need either. */
  #isClear(value: Json): boolean {
    if (typeof value === 'string') return this.text(value) === value
    if (typeof value === 'number') {
      const written = JSON.stringify(value)
      return this.text(written) === written
    }
    if (typeof value !== 'object' || value === null) return true
    if (Array.isArray(value)) return (value as readonly Json[]).every((item) => this.#isClear(item))
    return Object.entries(value).every(([key, item]) => this.text(key) === key && this.#isClear(item))
  }

  #json(value: Json): Json {
    if (typeof value === 'string') return this.text(value)
    if (typeof value === 'number') {
      const written = JSON.stringify(value)
      const masked = this.text(written)
      return masked === written ? value : masked
    }
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) {
      const items = (value as readonly Json[]).map((item) => this.#json(item))
      return items.every((item, index) => item === value[index]) ? value : items
    }
    const entries = new Map<string, Json>()
    let same = true
    for (const [key, item] of Object.entries(value)) {
      const masked = this.text(key)
      let name = masked
      for (let again = 2; entries.has(name); again++) name = `${masked} (${again})`
      const json = this.#json(item)
      same &&= name === key && json === item
      entries.set(name, json)
    }
    return same ? value : Object.fromEntries(entries)
  }

  /** Holds back only bytes that may begin a secret: fewer than the longest encoding has. */
  stream(): RedactingStream {
    let held: Buffer = Buffer.alloc(0)
    let covered = nothingCovered
    const take = (chunk: Uint8Array, complete: boolean): Uint8Array => {
      const fresh = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
      // Nothing is held back either, and the table of a search takes 256 KiB.
      if (this.#texts.size === 0) return fresh
      const bytes = held.length === 0 ? fresh : Buffer.concat([held, fresh])
      const { found, open } = this.#needles.search(bytes, complete)
      const masked = mask(bytes, open, found, covered)
      covered = masked.covered
      held = Buffer.from(bytes.subarray(open))
      return masked.bytes
    }
    return { push: (chunk) => take(chunk, false), end: () => take(new Uint8Array(0), true) }
  }
}

/** How many of the next bytes belong to a secret that is already masked, and its label. */
type Covered = { readonly bytes: number; readonly label: string }
const nothingCovered: Covered = { bytes: 0, label: '' }

/**
 * Masks the bytes before `until`; of a secret that ends after it, the remaining bytes are returned as
 * covered.
 */
function mask(
  bytes: Buffer,
  until: number,
  found: readonly { readonly start: number; readonly end: number; readonly name: string }[],
  before: Covered,
): { readonly bytes: Buffer; readonly covered: Covered } {
  const parts: Buffer[] = []
  let done = before.bytes
  let label = before.label
  for (const { start, end, name } of found) {
    if (start >= until) break
    if (start > done) parts.push(bytes.subarray(done, start))
    if (start >= done || name !== label) parts.push(Buffer.from(name))
    done = Math.max(done, end)
    label = name
  }
  if (parts.length === 0 && done === 0)
    return { bytes: until === bytes.length ? bytes : bytes.subarray(0, until), covered: nothingCovered }
  if (done < until) parts.push(bytes.subarray(done, until))
  return { bytes: Buffer.concat(parts), covered: { bytes: Math.max(0, done - until), label } }
}

/**
 * A label must not reveal a secret: one named after its own value is masked without its name. The full values
 * come first, so that a value that is also part of another secret keeps its own name.
 */
function needlesOf(secrets: readonly Secret[], known: readonly string[]): readonly Needle[] {
  const parts = secrets.flatMap((secret) =>
    partsOf(secret.reveal()).flatMap(({ text, yields }) =>
      (yields || isWord(text)) && isIn(known, text) ? [] : [{ secret, text }],
    ),
  )
  const values = secrets
    .map((secret) => ({ secret, text: secret.reveal() }))
    .filter(({ text }) => !(isWord(text) && isIn(known, text)))
  const texts = [...values, ...parts]
  const spelled = texts.map(({ secret, text }) => ({ secret, encodings: encodingsOf(text) }))
  const harmless = (label: string): boolean =>
    !spelled.some(({ encodings }) => encodings.some((bytes) => Buffer.from(label).includes(bytes)))
  const labels = new Map(
    secrets.map((secret) => [secret, [secret.toString(), '[redacted]'].find(harmless) ?? '[***]']),
  )
  return spelled.flatMap(({ secret, encodings }) =>
    encodings.map((bytes) => ({ bytes, name: labels.get(secret) ?? '[***]' })),
  )
}

/** Masking it would damage the text around it, and hide nothing. */
const isWord = (text: string): boolean => /^[a-z]+$/.test(text)

const isIn = (known: readonly string[], text: string): boolean => known.some((one) => one.includes(text))
