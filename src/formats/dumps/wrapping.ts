import type { Wrapping } from '../../drivers/wrapping.ts'

export type { Wrapping }

/** How many bytes from the start `wrappingOf` needs. */
export const wrappingBytes = 64

const starts: readonly (readonly [Wrapping, string])[] = [
  ['gzip', '\x1f\x8b\x08'],
  ['zstd', '\x28\xb5\x2f\xfd'],
  ['xz', '\xfd7zXZ\0'],
  ['openssl', 'Salted__'],
  ['age', 'age-encryption.org/v1\n'],
  ['age', '-----BEGIN AGE ENCRYPTED FILE-----'],
  ['gpg', '-----BEGIN PGP MESSAGE-----'],
]

/** The first block of bzip2, or its end where there is nothing in it. */
const bzip2Blocks: readonly string[] = ['1AY&SY', '\x17rE8P\x90']

/** By content, never by name: the formats are defined by RFC 1952, RFC 8878, xz-file-format, bzip2, RFC 9580 and age-encryption.org/v1. */
export function wrappingOf(start: Uint8Array): Wrapping | null {
  const text = Buffer.from(start.subarray(0, wrappingBytes)).toString('latin1')
  const known = starts.find(([, magic]) => text.startsWith(magic))
  if (known !== undefined) return known[0]
  // The first block has a magic number of its own, or there is none: `BZh9` alone may begin a text.
  if (/^BZh[1-9]/.test(text) && bzip2Blocks.includes(text.slice(4, 10))) return 'bzip2'
  return isEncryptedMessage(start) ? 'gpg' : null
}

/** Packets 1 and 3 of OpenPGP, in the old and the new form: a session key, for a public key or of a passphrase. */
function isEncryptedMessage(start: Uint8Array): boolean {
  const [first = 0, length = 0, version = 0, later = 0] = start
  const oldForm = first === 0x84 || first === 0x85 || first === 0x8c || first === 0x8d
  const newForm = first === 0xc1 || first === 0xc3
  if (!oldForm && !newForm) return false
  return length > 0 && [3, 4, 5, 6].includes(oldForm && (first & 3) === 1 ? later : version)
}

export const isEncryption = (wrapping: Wrapping): boolean =>
  wrapping === 'gpg' || wrapping === 'age' || wrapping === 'openssl'

/** Whether unwrapping would find an altered byte: zstd may come without check values, and `openssl enc` has none. */
export const revealsDamage = (wrapped: readonly Wrapping[]): boolean =>
  wrapped.some((one) => one !== 'zstd' && one !== 'openssl')
