/** `TABLE DATA` entries of `pg_restore --list`, as `schema.table`, sorted. */
export function tablesIn(list: string): readonly string[] {
  const found: string[] = []
  for (const line of list.split('\n')) {
    const [, rest] = /^\d+; \d+ \d+ TABLE DATA (.+)$/.exec(line) ?? []
    if (rest === undefined) continue
    // Schema, table, owner. The list does not quote, so of names with spaces only the table's is read
    // correctly.
    const words = rest.split(' ')
    found.push(`${words[0]}.${words.slice(1, -1).join(' ')}`)
  }
  return found.toSorted()
}

/** What a dump requires from a server. */
export type DumpNeeds = {
  readonly owners: readonly string[]
  readonly grantees: readonly string[]
  readonly extensions: readonly string[]
}

/**
 * Reads `pg_restore --schema-only` line by line. Each entry begins with a comment that names its kind; grants
 * are read only in entries of that kind, since the body of a function may contain any text.
 */
export function needsReader(): { readonly line: (text: string) => void; readonly needs: () => DumpNeeds } {
  const owners = new Set<string>()
  const grantees = new Set<string>()
  const extensions = new Set<string>()
  let kind = ''
  return {
    line(text) {
      const entry = /^-- Name: .*; Type: ([A-Z ]+); Schema: .*; Owner: (.*)$/.exec(text)
      if (entry !== null) {
        kind = entry[1] ?? ''
        const owner = entry[2] ?? ''
        if (owner !== '' && owner !== '-') owners.add(owner)
        return
      }
      if (kind === 'EXTENSION')
        add(extensions, new RegExp(`^CREATE EXTENSION (?:IF NOT EXISTS )?(${name})`).exec(text)?.[1])
      if (kind === 'ACL' || kind === 'DEFAULT ACL') add(grantees, grantTo.exec(text)?.[1])
      if (kind === 'POLICY')
        for (const role of (policyFor.exec(text)?.[1] ?? '').split(', ')) add(grantees, role)
    },
    needs: () => ({
      owners: [...owners].toSorted(),
      grantees: [...grantees].toSorted(),
      extensions: [...extensions].toSorted(),
    }),
  }
}

/** An identifier as pg_dump writes it: bare if possible, else quoted. */
const name = '"(?:[^"]|"")+"|[^\\s";,]+'
const grantTo = new RegExp(
  `^(?:GRANT|ALTER DEFAULT PRIVILEGES) .* TO (${name})(?: WITH GRANT OPTION)?(?: GRANTED BY (?:${name}))?;$`,
)
const policyFor = new RegExp(
  `^CREATE POLICY (?:${name}) ON .*? TO ((?:${name})(?:, (?:${name}))*)(?: USING | WITH CHECK |;)`,
)

function add(to: Set<string>, identifier: string | undefined): void {
  if (identifier === undefined || identifier === '' || identifier === 'PUBLIC') return
  to.add(identifier.startsWith('"') ? identifier.slice(1, -1).replaceAll('""', '"') : identifier)
}
