/** A byte string to search for, and the name reported for a match. */
export type Needle = { readonly bytes: Buffer; readonly name: string }

export type Match = { readonly start: number; readonly end: number; readonly name: string }

const block = 3
const slots = 1 << 18

/** Maps three bytes to a slot of the skip table. A collision costs a comparison, never a miss. */
const slotOf = (one: number, two: number, three: number): number =>
  ((one << 10) ^ (two << 5) ^ three) & (slots - 1)

/**
 * Searches many needles in one pass (Wu-Manber): a table says how far the window may move, by the three bytes
 * at its end. Time hardly depends on the number of needles; memory is their own plus 256 KiB.
 */
export class MultiSearch {
  /** Length of the longest needle, in bytes. */
  readonly longest: number
  readonly #window: number
  readonly #skips: Uint8Array
  readonly #buckets = new Map<number, Needle[]>()
  /** Every prefix shorter than the window: shows whether a chunk ends within a needle. */
  readonly #prefixes = new Set<string>()

  /** Needles must have at least `block` bytes. Of equal ones, the first names the match. */
  constructor(needles: readonly Needle[]) {
    this.longest = Math.max(0, ...needles.map((needle) => needle.bytes.length))
    this.#window = Math.min(32, ...needles.map((needle) => needle.bytes.length))
    this.#skips = new Uint8Array(slots).fill(this.#window - block + 1)
    for (const needle of needles) this.#add(needle)
    // Longest first: it wins where several start at the same place.
    for (const bucket of this.#buckets.values())
      bucket.sort((one, other) => other.bytes.length - one.bytes.length)
  }

  #add(needle: Needle): void {
    const { bytes } = needle
    for (let end = block - 1; end < this.#window; end++) {
      const slot = slotOf(bytes[end - 2] ?? 0, bytes[end - 1] ?? 0, bytes[end] ?? 0)
      this.#skips[slot] = Math.min(this.#skips[slot] ?? 0, this.#window - 1 - end)
      if (end < this.#window - 1) continue
      const bucket = this.#buckets.get(slot)
      if (bucket === undefined) this.#buckets.set(slot, [needle])
      else bucket.push(needle)
    }
    for (let length = 1; length < this.#window; length++)
      this.#prefixes.add(bytes.toString('latin1', 0, length))
  }

  /**
   * All matches in the text, by start, overlapping ones included; of those with the same start, the longest.
   * `open` is the first place where a (longer) match could still begin if more text follows, else the text's
   * length. In a `complete` text nothing follows, so nothing is open.
   */
  search(text: Buffer, complete: boolean): { readonly found: readonly Match[]; readonly open: number } {
    const found: Match[] = []
    const length = text.length
    const skips = this.#skips
    const window = this.#window
    let open = length
    let end = window - 1
    while (end < length) {
      const slot = slotOf(text[end - 2] as number, text[end - 1] as number, text[end] as number)
      const skip = skips[slot] as number
      if (skip > 0) {
        end += skip
        continue
      }
      const start = end - window + 1
      const match = this.#matchAt(text, start, slot, complete)
      if (match === 'cut off') open = Math.min(open, start)
      else if (match !== undefined) found.push(match)
      end++
    }
    if (complete) return { found, open }
    for (let start = Math.max(0, length - window + 1); start < open; start++) {
      if (this.#prefixes.has(text.toString('latin1', start, length))) open = start
    }
    return { found, open }
  }

  #matchAt(text: Buffer, start: number, slot: number, complete: boolean): Match | 'cut off' | undefined {
    for (const { bytes, name } of this.#buckets.get(slot) ?? []) {
      const here = Math.min(bytes.length, text.length - start)
      if (bytes.compare(text, start, start + here, 0, here) !== 0) continue
      if (here === bytes.length) return { start, end: start + here, name }
      if (!complete) return 'cut off'
    }
    return undefined
  }
}
