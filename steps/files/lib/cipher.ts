/** How a file is encrypted, by its extension; null where it is not. */
export function cipherOf(name: string): 'gpg' | 'age' | null {
  return name.endsWith('.gpg') ? 'gpg' : name.endsWith('.age') ? 'age' : null
}
