import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import {
  envelopeVerifies,
  envelope,
  payloadType,
  preAuthentication,
  readEnvelope,
} from '../../../src/adapters/evidence/dsse.ts'
import { publicBlob } from '../../../src/adapters/evidence/ed25519.ts'

describe('a DSSE envelope', () => {
  // The example of the protocol's own text, and one whose lengths are those of bytes.
  it.each([
    [
      'http://example.com/HelloWorld',
      'hello world',
      'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
    ],
    ['tÿpe', 'é', 'DSSEv1 5 tÿpe 2 é'],
    ['', '', 'DSSEv1 0  0 '],
  ])('signs the type %j with the payload', (type, payload, text) => {
    expect(preAuthentication(type, Buffer.from(payload)).toString()).toBe(text)
  })

  it('is verified by anybody who follows the protocol', () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const {
      payload,
      payloadType: type,
      signatures,
    } = JSON.parse(envelope(Buffer.from('{}\n'), privateKey)) as {
      payload: string
      payloadType: string
      signatures: { sig: string }[]
    }
    expect([type, Buffer.from(payload, 'base64').toString()]).toEqual([payloadType, '{}\n'])
    const signed = Buffer.from('DSSEv1 28 application/vnd.in-toto+json 3 {}\n')
    expect(
      verify(null, signed, createPublicKey(privateKey), Buffer.from(signatures[0]?.sig ?? '', 'base64')),
    ).toBe(true)
  })

  it('holds for its own key and for no other', () => {
    const [one, other] = [
      generateKeyPairSync('ed25519').privateKey,
      generateKeyPairSync('ed25519').privateKey,
    ]
    const read = readEnvelope(envelope(Buffer.from('{}\n'), one))
    expect([envelopeVerifies(read, publicBlob(one)), envelopeVerifies(read, publicBlob(other))]).toEqual([
      true,
      false,
    ])
  })
})
