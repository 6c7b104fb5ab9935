import { sign, verify, type KeyObject } from 'node:crypto'
import { canonical } from '../../kernel/json.ts'
import { fingerprint, keyOf, publicBlob } from './ed25519.ts'
import { strictBase64 } from './wire.ts'

export const payloadType = 'application/vnd.in-toto+json'

/** The signed bytes of DSSE (protocol 1.0.2: PAE), which include the payload type. */
export function preAuthentication(type: string, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `), payload])
}

/** The statement in a DSSE envelope, as in-toto's tools read it. */
export function envelope(payload: Uint8Array, key: KeyObject): string {
  const sig = sign(null, preAuthentication(payloadType, payload), key).toString('base64')
  const signatures = [{ keyid: fingerprint(publicBlob(key)), sig }]
  return `${canonical({ payload: Buffer.from(payload).toString('base64'), payloadType, signatures })}\n`
}

export type Envelope = {
  readonly payload: Buffer
  readonly payloadType: string
  readonly keyid: string
  readonly signature: Buffer
}

/** @throws RangeError unless it is an envelope with exactly one signature and nothing else */
export function readEnvelope(text: string): Envelope {
  const read = JSON.parse(text) as {
    payload?: unknown
    payloadType?: unknown
    signatures?: readonly { keyid?: unknown; sig?: unknown }[]
  }
  const one = Array.isArray(read?.signatures) && read.signatures.length === 1 ? read.signatures[0] : undefined
  if (one === undefined) throw new RangeError('it does not contain exactly one signature')
  const { keyid, sig } = one
  const { payload, payloadType } = read
  if (
    typeof payload !== 'string' ||
    typeof payloadType !== 'string' ||
    typeof keyid !== 'string' ||
    typeof sig !== 'string'
  ) {
    throw new RangeError('a field is missing')
  }
  if (text !== `${canonical({ payload, payloadType, signatures: [{ keyid, sig }] })}\n`)
    throw new RangeError('it has unknown fields, or is not canonical')
  return { payload: strictBase64(payload), payloadType, keyid, signature: strictBase64(sig) }
}

export function envelopeVerifies({ payload, payloadType, signature }: Envelope, key: Uint8Array): boolean {
  return verify(null, preAuthentication(payloadType, payload), keyOf(key), signature)
}
