import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { Fields, field } from './wire.ts'

export const keyType = 'ssh-ed25519'

/** The public key in OpenSSH's format (RFC 8709, section 4), before base64. */
export function publicBlob(key: KeyObject): Buffer {
  const { x } = createPublicKey(key).export({ format: 'jwk' })
  return Buffer.concat([field(keyType), field(Buffer.from(x ?? '', 'base64url'))])
}

/** @throws RangeError for anything but an Ed25519 key */
export function keyOf(blob: Uint8Array): KeyObject {
  const fields = new Fields(blob)
  const type = fields.text()
  if (type !== keyType) throw new RangeError(`unsupported key type ${type}`)
  const x = fields.field()
  fields.end()
  if (x.length !== 32) throw new RangeError('invalid key length')
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: x.toString('base64url') }, format: 'jwk' })
}

/** `SHA256:…`, as printed by `ssh-keygen -l`. */
export const fingerprint = (blob: Uint8Array): string =>
  `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`
