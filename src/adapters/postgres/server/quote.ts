/** Quotes an identifier. */
export const identifier = (name: string): string => `"${checked(name).replaceAll('"', '""')}"`

/** Quotes a string constant; independent of standard_conforming_strings, and not interpreted by psql. */
export function literal(text: string): string {
  const quoted = `'${checked(text).replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
  return quoted.includes('\\') ? ` E${quoted}` : quoted
}

/** A table as `qualifiedName` writes it: the SQL expression for the server. */
export const qualifiedNameSql = (schema: string, name: string): string =>
  `${quotedIf('[."]', schema)} || '.' || ${quotedIf('[."]', name)}`

/** Of several names joined by blanks, each can be distinguished. */
export const wordSql = (name: string): string => quotedIf('[ "]', name)

const quotedIf = (pattern: string, name: string): string =>
  `CASE WHEN ${name} ~ '${pattern}' THEN '"' || pg_catalog.replace(${name}, '"', '""') || '"' ELSE ${name} END`

/**
 * A connection string with only a database name. The tools would parse a bare name that contains `=` or
 * begins like a URI as a connection string.
 */
export const connectionTo = (database: string): string =>
  `dbname='${checked(database).replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

/**
 * Quotes the argument of `\connect`: no variable is replaced in it, and it stays on one line. psql removes double
 * quotes from it even inside single quotes (dequote_downcase_identifier() in psqlscanslash.l), so those that stand
 * together are doubled within a pair of their own.
 */
export function connectArgument(text: string): string {
  const quoted = checked(text).replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll(/"+/g, '"$&$&"')
  return `'${quoted.replaceAll('\n', '\\n').replaceAll('\r', '\\r')}'`
}

/** C strings end at a NUL byte, so the rest would be silently ignored. */
function checked(text: string): string {
  if (text.includes('\0')) throw new TypeError('PostgreSQL does not allow NUL bytes in names and texts')
  return text
}
