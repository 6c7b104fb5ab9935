/** The length-prefixed fields of SSH keys and signatures (RFC 4251, section 5: `string`). */
export function field(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** Reads fields in order. @throws RangeError if the bytes end early, or extra bytes follow */
export class Fields {
  #rest: Buffer

  constructor(bytes: Uint8Array) {
    this.#rest = Buffer.from(bytes)
  }

  take(count: number): Buffer {
    if (count > this.#rest.length) throw new RangeError('it is truncated')
    const taken = this.#rest.subarray(0, count)
    this.#rest = this.#rest.subarray(count)
    return taken
  }

  number(): number {
    return this.take(4).readUInt32BE()
  }

  field(): Buffer {
    return this.take(this.number())
  }

  text(): string {
    return this.field().toString('latin1')
  }

  end(): void {
    if (this.#rest.length > 0) throw new RangeError('extra data after its end')
  }
}

/** Accepts canonical base64 only: otherwise one signature would have several valid texts. */
export function strictBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) throw new RangeError('not canonical base64')
  return bytes
}
