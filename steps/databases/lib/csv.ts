/** A value of a row: what both engines hold, as text where JSON cannot hold it exactly. */
export type Cell = string | number | boolean | null

/**
 * Rows as RFC 4180 writes them: CRLF, quotes doubled, a row of headers. NULL is an empty field and the empty text is `""`, as Postgres'
 * COPY tells them apart; a NULL that is alone in its row makes an empty line. Blobs come as hexadecimal text.
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
