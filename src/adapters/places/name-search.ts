/** The names to search for in a repository: those of backups, and of what lies beside one. */
export function searchedNames(
  pattern: string,
  escape: (text: string) => string,
): readonly [backups: string, ...lists: string[]] {
  const glob = pattern
    .split(/(\*|\{time\})/)
    .map((piece) => (piece === '*' || piece === '{time}' ? '*' : escape(piece)))
    .join('')
  return [
    `${glob}*`.replaceAll(/\*+/g, '*'),
    'SHA256SUMS*',
    'CHECKSUMS*',
    'sha256sums*',
    'checksums*',
    'SHASUMS256*',
  ]
}
