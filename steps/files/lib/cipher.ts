/** With what a file is encrypted, by the ending of its name; null: with nothing. */
export function cipherOf(name: string): 'gpg' | 'age' | null {
  return name.endsWith('.gpg') ? 'gpg' : name.endsWith('.age') ? 'age' : null
}
