/** Reads the numbers and texts of a custom-format archive: ReadInt() and ReadStr() of pg_backup_archiver.c. */
export class ArchiveCursor {
  readonly #bytes: Buffer
  at = 0
  intSize = 4

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** @throws RangeError past the end */
  skip(count: number): void {
    this.at += count
    if (this.at > this.#bytes.length) throw new RangeError('past the end')
  }

  /** @throws RangeError past the end */
  byte(): number {
    return this.#bytes.readUInt8(this.at++)
  }

  /** A sign byte, then little-endian. */
  int(): number {
    const negative = this.byte() !== 0
    let value = 0
    for (let place = 0; place < this.intSize; place++) value += this.byte() * 256 ** place
    return negative ? -value : value
  }

  /** The bytes of a text, whose encoding the archive states elsewhere; null for a text that is not there. */
  bytes(): Buffer | null {
    const length = this.int()
    if (length < 0) return null
    const start = this.at
    this.skip(length)
    return this.#bytes.subarray(start, this.at)
  }

  text(): string {
    return this.bytes()?.toString('utf8') ?? ''
  }
}
