/** The length-prefixed fields of SSH keys and signatures (RFC 4251, section 5: `string`). */
export function field(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** Takes fields off the front. @throws RangeError where the bytes end too early, or do not end with the last field */
export class Fields {
  #rest: Buffer

  constructor(bytes: Uint8Array) {
    this.#rest = Buffer.from(bytes)
  }

  take(count: number): Buffer {
    if (count > this.#rest.length) throw new RangeError('it ends too early')
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
    if (this.#rest.length > 0) throw new RangeError('something follows its end')
  }
}

/** Base64 that has one spelling only: a second one for the same bytes would be a second text for one signature. */
export function strictBase64(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) throw new RangeError('it is no base64')
  return bytes
}
