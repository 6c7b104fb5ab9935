import { randomBytes } from 'node:crypto'

/** The source of randomness, injected so that tests control it. */
export interface Randomness {
  bytes(count: number): Uint8Array
}

export const systemRandomness: Randomness = { bytes: (count) => randomBytes(count) }

// No letters or digits that are easily confused on a bad screen.
const letters = '23456789abcdefghjkmnpqrstvwxyz'

/** A short name, easy to type. Five characters give 24 million values, and callers put the time before it. */
export function shortName(randomness: Randomness, length = 5): string {
  return [...randomness.bytes(length)].map((byte) => letters[byte % letters.length]).join('')
}
