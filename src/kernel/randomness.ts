import { randomBytes } from 'node:crypto'

/** Randomness comes through here, so that tests own it. */
export interface Randomness {
  bytes(count: number): Uint8Array
}

export const systemRandomness: Randomness = { bytes: (count) => randomBytes(count) }

// Letters and digits that nobody mistakes for one another on a bad screen at night.
const letters = '23456789abcdefghjkmnpqrstvwxyz'

/** A short name fit to be typed: five letters hold some 24 million values, and the time stands before it. */
export function shortName(randomness: Randomness, length = 5): string {
  return [...randomness.bytes(length)].map((byte) => letters[byte % letters.length]).join('')
}
