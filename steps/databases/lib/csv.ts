/** A value of a row; text where JSON cannot represent it exactly. */
export type Cell = string | number | boolean | null

/**
 * Rows in the format of RFC 4180: CRLF, doubled quotes, a header row. NULL is an empty field and the empty
 * string is `""`, as in Postgres' COPY; a NULL alone in its row is an empty line. Blobs are hexadecimal text.
 */
export function csvOf(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [columns, ...rows].map((row) => `${row.map(field).join(',')}\r\n`).join('')
}

function field(cell: Cell): string {
  if (cell === null) return ''
  const text = String(cell)
  return text === '' || /[",\r\n]/.test(text) || text !== text.trim()
    ? `"${text.replaceAll('"', '""')}"`
    : text
}
