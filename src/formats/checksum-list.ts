/** One line of a file written by sha256sum(1). */
export type Checksum = { readonly sha256: string; readonly name: string }

/**
 * Parses the output of `sha256sum`, also with `-b` or `--tag` or edited by hand: text and binary markers,
 * names escaped by a leading backslash (newline, carriage return, backslash), CRLF, a byte order mark. A bare
 * hash has the name ''. Other lines are skipped.
 */
export function checksumList(text: string): readonly Checksum[] {
  return text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .map((line) => checksumLine(line.replace(/\r$/, '')))
    .filter((line) => line !== null)
}

function checksumLine(line: string): Checksum | null {
  const escaped = line.startsWith('\\')
  const body = escaped ? line.slice(1) : line
  const found =
    /^(?<hash>[0-9a-fA-F]{64})(?:[ \t]+[*]?(?<name>.*))?$/.exec(body) ??
    /^SHA256 \((?<name>.*)\) = (?<hash>[0-9a-fA-F]{64})$/.exec(body)
  const { hash, name } = found?.groups ?? {}
  if (hash === undefined) return null
  return { sha256: hash.toLowerCase(), name: escaped ? unescaped(name ?? '') : (name ?? '') }
}

function unescaped(name: string): string {
  return name.replaceAll(/\\([\\nr])/g, (_, letter: string) => ({ n: '\n', r: '\r' })[letter] ?? '\\')
}

export type ChecksumLookup =
  | { readonly kind: 'found'; readonly sha256: string }
  | { readonly kind: 'no-checksum' }
  | { readonly kind: 'other-names'; readonly names: readonly string[] }
  | { readonly kind: 'conflict'; readonly hashes: readonly string[] }
  /** Of a folder: it has other files than the list names. */
  | { readonly kind: 'unequal'; readonly why: string }

const baseOf = (name: string): string => name.slice(name.lastIndexOf('/') + 1)

/**
 * Looks up a file in a list. Names are compared by their last part, since lists often contain absolute paths
 * of another machine; an exact match wins. A bare hash counts only if the list is for this one file
 * (`alone`).
 */
export function checksumFor(list: readonly Checksum[], name: string, alone: boolean): ChecksumLookup {
  if (list.length === 0) return { kind: 'no-checksum' }
  const exact = list.filter((line) => line.name === name || line.name === `./${name}`)
  const alike = list.filter((line) => baseOf(line.name) === name)
  const bare = alone ? list.filter((line) => line.name === '') : []
  const chosen = [exact, alike, bare].find((lines) => lines.length > 0)
  if (chosen === undefined) return { kind: 'other-names', names: list.map((line) => line.name) }
  const hashes = [...new Set(chosen.map((line) => line.sha256))]
  const [only] = hashes
  return hashes.length === 1 && only !== undefined
    ? { kind: 'found', sha256: only }
    : { kind: 'conflict', hashes }
}
