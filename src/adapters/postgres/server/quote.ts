/** An identifier as PostgreSQL reads it back, whatever its letters. */
export const identifier = (name: string): string => `"${checked(name).replaceAll('"', '""')}"`

/** A string constant that means the same whether or not standard_conforming_strings is on; psql leaves it alone too. */
export function literal(text: string): string {
  const quoted = `'${checked(text).replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
  return quoted.includes('\\') ? ` E${quoted}` : quoted
}

/**
 * A connection string that names a database and nothing else. A bare name will not do: the tools take one with `=` in it, or one that
 * begins as a URI, for a whole connection string.
 */
export const connectionTo = (database: string): string =>
  `dbname='${checked(database).replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

/** C strings end at a zero byte, so what comes after would silently not count. */
function checked(text: string): string {
  if (text.includes('\0')) throw new TypeError('PostgreSQL has no zero byte in names and texts')
  return text
}
