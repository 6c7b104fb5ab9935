import type { Need } from '../../../src/index.ts'

type Cipher = 'gpg' | 'age'

/** How a file is encrypted, by its extension; null where it is not. */
export function cipherOf(name: string): Cipher | null {
  return name.endsWith('.gpg') ? 'gpg' : name.endsWith('.age') ? 'age' : null
}

/** What encrypting or decrypting with a cipher needs; nothing where there is none. */
export const needsFor = (cipher: Cipher | null, why: string): readonly Need[] => {
  if (cipher === null) return []
  return cipher === 'gpg' ? [{ program: 'gpg', atLeast: '2.2', why }] : [{ package: 'age-encryption', why }]
}
