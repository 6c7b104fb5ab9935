import type { Archive } from './table-of-contents.ts'

/** What the data of an archive is made of: pg_backup_custom.c. */
const tableBlock = 1
const largeObjectsBlock = 3

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

  constructor({ dataAt, intSize, entries }: Archive) {
    this.#ahead = dataAt
    this.#intSize = intSize
    this.#left = entries.filter(({ hasData }) => hasData).length
  }

  /** Bytes behind the last block. */
  get extra(): number {
    return this.#extra
  }

  push(part: Uint8Array): void {
    let at = 0
    while (at < part.length) {
      if (this.#ahead > 0) {
        const skipped = Math.min(this.#ahead, part.length - at)
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
    if (this.#expected === 'id') this.#expected = this.#inLargeObjects ? 'large object' : 'length'
    else if (value === 0) this.#end()
    else if (this.#expected === 'large object') this.#expected = 'length'
    else this.#ahead = value
  }

  /** A zero ends the chunks of a table or a large object, and the list of large objects. */
  #end(): void {
    if (this.#expected === 'length' && this.#inLargeObjects) {
      this.#expected = 'large object'
      return
    }
    this.#left -= 1
    this.#expected = 'kind'
  }
}
