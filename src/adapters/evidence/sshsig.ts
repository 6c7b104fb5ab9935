import { createHash, sign, verify, type KeyObject } from 'node:crypto'
import { keyOf, keyType, publicBlob } from './ed25519.ts'
import { Fields, field, strictBase64 } from './wire.ts'

/**
 * The namespace of our signatures, as for `ssh-keygen -Y verify -n`. Signatures for git or files have others.
 */
export const namespace = 'runbook-evidence'

const magic = 'SSHSIG'
const begin = '-----BEGIN SSH SIGNATURE-----'
const end = '-----END SSH SIGNATURE-----'

/**
 * Signs like `ssh-keygen -Y sign`, so that stock OpenSSH verifies it (OpenSSH, PROTOCOL.sshsig, version 1).
 */
export function sshSign(payload: Uint8Array, key: KeyObject): string {
  const signature = sign(null, signed(payload, namespace, 'sha512'), key)
  const blob = Buffer.concat([
    Buffer.from(magic),
    Buffer.from([0, 0, 0, 1]),
    field(publicBlob(key)),
    field(namespace),
    field(''),
    field('sha512'),
    field(Buffer.concat([field(keyType), field(signature)])),
  ])
  return `${begin}\n${blob.toString('base64').replace(/.{70}/g, '$&\n').replace(/\n$/, '')}\n${end}\n`
}

export type SshSignature = {
  readonly key: Buffer
  readonly namespace: string
  readonly hash: string
  readonly algorithm: string
  readonly signature: Buffer
}

/** Parses without verifying. @throws RangeError naming the malformed part */
export function readSshSignature(armored: string): SshSignature {
  const lines = armored.trim().split(/\r?\n/)
  if (lines[0] !== begin || lines.at(-1) !== end) throw new RangeError('no SSH signature found')
  const fields = new Fields(strictBase64(lines.slice(1, -1).join('')))
  if (fields.take(magic.length).toString('latin1') !== magic)
    throw new RangeError('it does not begin with SSHSIG')
  const version = fields.number()
  if (version !== 1) throw new RangeError(`unsupported version ${version}`)
  const key = fields.field()
  const namespace = fields.text()
  // Reserved: PROTOCOL.sshsig tells verifiers to ignore it, but it is signed and ours is empty.
  if (fields.field().length > 0) throw new RangeError('its reserved field is not empty')
  const hash = fields.text()
  const inner = new Fields(fields.field())
  fields.end()
  const algorithm = inner.text()
  const signature = inner.field()
  inner.end()
  return { key, namespace, hash, algorithm, signature }
}

/**
 * Whether the signature of this payload is valid for the key it names; trust in that key is checked
 * separately.
 */
export function signatureVerifies(
  payload: Uint8Array,
  { key, namespace, hash, signature }: SshSignature,
): boolean {
  return verify(null, signed(payload, namespace, hash), keyOf(key), signature)
}

function signed(payload: Uint8Array, namespace: string, hash: string): Buffer {
  return Buffer.concat([
    Buffer.from(magic),
    field(namespace),
    field(''),
    field(hash),
    field(createHash(hash).update(payload).digest()),
  ])
}
