import type { TrustedKey } from '../allowed-signers.ts'
import { envelopeVerifies, payloadType, readEnvelope } from '../dsse.ts'
import { fingerprint, keyType } from '../ed25519.ts'
import { signatureVerifies, namespace, readSshSignature } from '../sshsig.ts'
import { names } from '../statement.ts'
import type { Findings } from './defects.ts'

/**
 * Checks the SSH signature of the statement. `signedAt` is the end of the run according to the statement: a
 * signature has no time of its own, so an expired key could still sign a backdated statement.
 */
export function checkSignature(
  found: Findings,
  payload: Uint8Array,
  armored: string,
  trusted: readonly TrustedKey[] | null,
  signedAt: number | null,
): void {
  const file = names.signature
  const signature = readSshSignature(armored)
  if (signature.namespace !== namespace)
    return found.add('signature-namespace', file, JSON.stringify(signature.namespace))
  const algorithm = `${signature.algorithm} over ${signature.hash}`
  if (algorithm !== `${keyType} over sha512` || !typeIs(signature.key, keyType))
    return found.add('signature-algorithm', file, JSON.stringify(algorithm))
  if (!signatureVerifies(payload, signature)) return found.add('signature-wrong', file)
  checkKey(
    found,
    file,
    (key) => key.blob.equals(signature.key),
    fingerprint(signature.key),
    trusted,
    signedAt,
  )
}

/** Checks the envelope: a second signature of the statement, for tools that support DSSE but not OpenSSH. */
export function checkEnvelope(
  found: Findings,
  payload: Uint8Array | null,
  text: string,
  trusted: readonly TrustedKey[] | null,
  signedAt: number | null,
): void {
  const file = names.envelope
  const envelope = readEnvelope(text)
  if (envelope.payloadType !== payloadType)
    return found.add('payload-type', file, JSON.stringify(envelope.payloadType))
  // The envelope does not contain the key, so without one its signature cannot be checked.
  const key = trusted?.find(({ blob }) => fingerprint(blob) === envelope.keyid)
  if (key !== undefined && !envelopeVerifies(envelope, key.blob)) return found.add('signature-wrong', file)
  if (payload !== null && !envelope.payload.equals(payload)) return found.add('payload-differs', file)
  checkKey(found, file, ({ blob }) => fingerprint(blob) === envelope.keyid, envelope.keyid, trusted, signedAt)
}

/** A key may be listed several times with different validity. */
function checkKey(
  found: Findings,
  file: string,
  is: (key: TrustedKey) => boolean,
  name: string,
  trusted: readonly TrustedKey[] | null,
  signedAt: number | null,
): void {
  if (trusted === null) return
  const listed = trusted.filter(is)
  if (listed.length === 0) return found.add('key-unknown', file, name)
  // Without a date in the statement no bound can be met.
  const at = signedAt ?? Number.NaN
  const late = (key: TrustedKey): boolean => key.until !== null && !(at <= key.until)
  const early = (key: TrustedKey): boolean => key.from !== null && !(at >= key.from)
  if (listed.some((key) => !late(key) && !early(key))) return
  found.add(listed.some(late) ? 'key-expired' : 'key-not-yet-valid', file, name)
}

function typeIs(blob: Buffer, type: string): boolean {
  return (
    blob.length > 4 &&
    blob.readUInt32BE() === type.length &&
    blob.subarray(4, 4 + type.length).toString('latin1') === type
  )
}
