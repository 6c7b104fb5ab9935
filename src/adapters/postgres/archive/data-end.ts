import { withoutRows } from './empty-block.ts'
import type { Archive } from './table-of-contents.ts'

/** What the data of an archive is made of: pg_backup_custom.c. */
const tableBlock = 1
const largeObjectsBlock = 3

/** A longer block has rows: this is more than an empty one takes in any compression. */
const mostOfEmpty = 64

type Expected = 'kind' | 'id' | 'large object' | 'length'

/**
 * Follows the blocks of data while an archive is read: each has its kind, its id and chunks with their lengths.
 * pg_restore stops at the last block that it needs and does not notice what comes after it.
 */
export class DataEnd {
  #ahead: number
  #left: number
  readonly #intSize: number
  #expected: Expected = 'kind'
  #inLargeObjects = false
  #int: number[] = []
  #extra = 0
  #id = 0
  /** The start of the data of a table; null outside one, or where there is more. */
  #short: Uint8Array[] | null = null
  readonly #empty = new Set<number>()

  constructor({ dataAt, intSize, entries }: Archive) {
    this.#ahead = dataAt
    this.#intSize = intSize
    this.#left = entries.filter(({ hasData }) => hasData).length
  }

  /** Bytes behind the last block. */
  get extra(): number {
    return this.#extra
  }

  /** Ids of the blocks of tables that surely hold no row. */
  get empty(): ReadonlySet<number> {
    return this.#empty
  }

  push(part: Uint8Array): void {
    let at = 0
    while (at < part.length) {
      if (this.#ahead > 0) {
        const skipped = Math.min(this.#ahead, part.length - at)
        this.#keep(part, at, skipped)
        this.#ahead -= skipped
        at += skipped
      } else if (this.#left === 0) {
        this.#extra += part.length - at
        return
      } else {
        this.#take(part[at] ?? 0)
        at += 1
      }
    }
  }

  #keep(part: Uint8Array, at: number, count: number): void {
    if (this.#short === null) return
    const kept = this.#short.reduce((sum, { length }) => sum + length, 0)
    // A copy: the part is overwritten by what is read next.
    if (kept + count <= mostOfEmpty) this.#short.push(part.slice(at, at + count))
    else this.#short = null
  }

  #take(byte: number): void {
    if (this.#expected === 'kind') {
      this.#inLargeObjects = byte === largeObjectsBlock
      this.#expected = 'id'
      // Not a block: all that is left is something else.
      if (byte !== tableBlock && byte !== largeObjectsBlock) {
        this.#left = 0
        this.#extra = 1
      }
      return
    }
    this.#int.push(byte)
    if (this.#int.length <= this.#intSize) return
    const value = this.#int.slice(1).reduce((sum, digit, place) => sum + digit * 256 ** place, 0)
    this.#int = []
    if (this.#expected === 'id') this.#begin(value)
    else if (value === 0) this.#end()
    else if (this.#expected === 'large object') this.#expected = 'length'
    else this.#ahead = value
  }

  #begin(id: number): void {
    this.#id = id
    this.#short = this.#inLargeObjects ? null : []
    this.#expected = this.#inLargeObjects ? 'large object' : 'length'
  }

  /** A zero ends the chunks of a table or a large object, and the list of large objects. */
  #end(): void {
    if (this.#expected === 'length' && this.#inLargeObjects) {
      this.#expected = 'large object'
      return
    }
    if (this.#short !== null && withoutRows(Buffer.concat(this.#short))) this.#empty.add(this.#id)
    this.#short = null
    this.#left -= 1
    this.#expected = 'kind'
  }
}
