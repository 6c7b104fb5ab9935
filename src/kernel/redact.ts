import type { Json } from './json.ts'
import { MultiSearch, type Needle } from './multi-search.ts'
import type { Secret } from './secret.ts'
import { encodingsOf } from './secret-encodings.ts'

/** Bytes in, masked bytes out, for output that arrives in pieces. What `push` returns may be the very chunk it was given. */
export interface RedactingStream {
  push(chunk: Uint8Array): Uint8Array
  /** The rest. Nothing may be pushed afterwards. */
  end(): Uint8Array
}

/**
 * Masks every known secret, in every spelling of `spellings`, wherever this program writes. It works on bytes and stands at the
 * sinks, so no caller has to remember it. Where secrets overlap, all of their bytes are masked; all other bytes stay as they are.
 */
export class Redactor {
  readonly #texts = new Map<string, Secret>()
  #compiled: MultiSearch | null = null

  /** Counts from now on, also in streams that are under way. The same text under a second name keeps the first. */
  add(secret: Secret): void {
    if (this.#texts.has(secret.reveal())) return
    this.#texts.set(secret.reveal(), secret)
    this.#compiled = null
  }

  get #needles(): MultiSearch {
    this.#compiled ??= new MultiSearch(needlesOf([...this.#texts.values()]))
    return this.#compiled
  }

  text(text: string): string {
    const bytes = Buffer.from(text)
    const masked = mask(bytes, bytes.length, this.#needles.search(bytes, true).found, nothingCovered)
    // The very text where nothing was masked: going through bytes would bend lone surrogates.
    return masked.bytes === bytes ? text : masked.bytes.toString('utf8')
  }

  /** Keys too. A number that spells a secret becomes text. */
  json<T extends Json>(value: T): T {
    return this.#json(value) as T
  }

  #json(value: Json): Json {
    if (typeof value === 'string') return this.text(value)
    if (typeof value === 'number') {
      const written = JSON.stringify(value)
      const masked = this.text(written)
      return masked === written ? value : masked
    }
    if (typeof value !== 'object' || value === null) return value
    if (Array.isArray(value)) return (value as readonly Json[]).map((item) => this.#json(item))
    const entries = new Map<string, Json>()
    for (const [key, item] of Object.entries(value)) {
      const masked = this.text(key)
      let name = masked
      for (let again = 2; entries.has(name); again++) name = `${masked} (${again})`
      entries.set(name, this.#json(item))
    }
    return Object.fromEntries(entries)
  }

  /** Holds back only bytes that may be the beginning of a secret: fewer than the longest spelling has. */
  stream(): RedactingStream {
    let held: Buffer = Buffer.alloc(0)
    let covered = nothingCovered
    const take = (chunk: Uint8Array, complete: boolean): Uint8Array => {
      const fresh = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
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

/** How many bytes from here on belong to a secret that was already masked, and its label. */
type Covered = { readonly bytes: number; readonly label: string }
const nothingCovered: Covered = { bytes: 0, label: '' }

/** Of the bytes before `until`; a secret that starts before and ends after it leaves the rest of its bytes covered. */
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

/** The label itself must not give a secret away: one that is called after its value is masked without its name. */
function needlesOf(secrets: readonly Secret[]): readonly Needle[] {
  const bare = secrets.flatMap((secret) => encodingsOf(secret.reveal()).map((bytes) => ({ bytes, name: '' })))
  const all = new MultiSearch(bare)
  const harmless = (label: string): boolean => all.search(Buffer.from(label), true).found.length === 0
  return secrets.flatMap((secret) => {
    const name = [secret.toString(), '[redacted]'].find(harmless) ?? '[***]'
    return encodingsOf(secret.reveal()).map((bytes) => ({ bytes, name }))
  })
}
